/** Addresses for hosts that have none: each gets one of its own, by which a connection to it is known. */
import { byAge, compareText, type MeshObject } from "@heddle/model";
import { hashOf } from "./hash.ts";

/** Addresses 240.240.0.1 to 240.240.255.254; class E is routed nowhere. */
const SLOTS = 65_534;
/** The largest prime below `SLOTS`: every step that is made of it visits all slots. */
const STEP_PRIME = 65_521;

export interface AutoAddresses {
  readonly v4: string;
  /** In 2001:2::/48, which RFC 5180 keeps for benchmarks. */
  readonly v6: string;
}

/**
 * The same for the same set of hosts, whatever the order in which they came: slots are given by the hash of
 * `namespace/host`, oldest entry first, so that an address stays while its entry does. Hosts beyond 65,534 get none.
 */
export class AutoAddressPlan {
  readonly #wanted = new Map<string, MeshObject<unknown>>();
  #slots: ReadonlyMap<string, number> | undefined = new Map();

  /** `owner`: undefined where the host wants none any more. */
  want(key: string, owner: MeshObject<unknown> | undefined): void {
    const before = this.#wanted.get(key);
    if (before === owner) return;
    if (owner === undefined) this.#wanted.delete(key);
    else this.#wanted.set(key, owner);
    if (before === undefined || owner === undefined || byAge(before, owner) !== 0) {
      this.#slots = undefined;
    }
  }

  of(key: string): AutoAddresses | undefined {
    if (!this.#wanted.has(key)) return undefined;
    const slot = (this.#slots ??= assign(this.#wanted)).get(key);
    return slot === undefined ? undefined : addressesAt(slot);
  }

  /** Keys whose address is another than in `before`. */
  moved(before: ReadonlyMap<string, number>): readonly string[] {
    const now = this.slots();
    if (now === before) return [];
    const keys = new Set([...before.keys(), ...now.keys()]);
    return [...keys].filter((key) => before.get(key) !== now.get(key));
  }

  slots(): ReadonlyMap<string, number> {
    return (this.#slots ??= assign(this.#wanted));
  }
}

function assign(wanted: ReadonlyMap<string, MeshObject<unknown>>): ReadonlyMap<string, number> {
  const oldestFirst = [...wanted].toSorted(
    ([a, first], [b, second]) => byAge(first, second) || compareText(a, b),
  );
  const taken = new Set<number>();
  const slots = new Map<string, number>();
  for (const [key] of oldestFirst.slice(0, SLOTS)) {
    const hash = hashOf(key);
    const step = STEP_PRIME - (hash % STEP_PRIME);
    let slot = hash % SLOTS;
    // A step may share a factor with the number of slots and come back before it has seen all of them.
    for (let tries = 0; taken.has(slot); tries++)
      slot = (slot + (tries < SLOTS ? step : 1)) % SLOTS;
    taken.add(slot);
    slots.set(key, slot);
  }
  return slots;
}

function addressesAt(slot: number): AutoAddresses {
  const number = slot + 1;
  return {
    v4: `240.240.${number >> 8}.${number & 0xff}`,
    v6: `2001:2::${number.toString(16)}`,
  };
}
