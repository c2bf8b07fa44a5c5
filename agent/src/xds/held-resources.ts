/** What one client holds of one resource type, as far as the server knows. */
import type { EncodedResource } from "./encoded-resource.ts";

/** What the client holds of one name. */
export interface Held {
  readonly hash: string;
  /** Missing for what it brought along from an earlier stream, and for names that it was told do not exist. */
  readonly resource: EncodedResource | undefined;
}

/** The hash of a name that the client was told does not exist. */
export const ABSENT = "";
/** The hash of a name that has to be sent again even if it is equal. */
export const AGAIN = "again";

const SUM_LIMIT = 2 ** 48;

export class HeldResources {
  readonly #held = new Map<string, Held>();
  #sum = 0;
  #count = 0;

  /** Equal for clients that hold the same, in whatever order it came. */
  get sum(): string {
    return this.#sum.toString(36);
  }

  /** How many resources are there. */
  get count(): number {
    return this.#count;
  }

  get(name: string): Held | undefined {
    return this.#held.get(name);
  }

  names(): Iterable<string> {
    return this.#held.keys();
  }

  resources(): EncodedResource[] {
    return [...this.#held.values()].flatMap(({ resource }) => (resource ? [resource] : []));
  }

  put(name: string, held: Held | undefined): void {
    const before = this.#held.get(name);
    this.#sum += (held?.resource?.summand ?? 0) - (before?.resource?.summand ?? 0);
    this.#sum = ((this.#sum % SUM_LIMIT) + SUM_LIMIT) % SUM_LIMIT;
    this.#count += Number(isThere(held)) - Number(isThere(before));
    if (held) this.#held.set(name, held);
    else this.#held.delete(name);
  }
}

const shared = new WeakMap<EncodedResource, Held>();

/** One for all clients that hold the resource: a mesh has as many of these as clients times resources. */
export function heldOf(resource: EncodedResource): Held {
  const known = shared.get(resource);
  if (known) return known;
  const held = { hash: resource.hash, resource };
  shared.set(resource, held);
  return held;
}

export function isThere(held: Held | undefined): boolean {
  return held !== undefined && held.hash !== ABSENT;
}
