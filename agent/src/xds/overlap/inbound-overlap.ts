/** What a proxy's inbound listeners keep of their last version while others may still connect as it asked them to. */
import type { Listener } from "@heddle/envoy/config/listener/v3";
import { secretsOf, silenceBetween, takesMore, withLostChains } from "./chain-union.ts";

/** What a change of listeners means for whoever connects to the proxy. */
export interface Heard {
  /** Connections will be taken that were not before: others come with them once the proxy is ready. */
  readonly opens: boolean;
  /** Connections will not be taken any more: others have to be done with them first. */
  readonly closes: boolean;
}

export class InboundOverlap {
  /** What the proxy was last given, by name. */
  readonly #given = new Map<string, Listener>();
  /** What stands in for the newest version; the last one where there is no newer. */
  readonly #kept = new Map<string, Listener>();

  #silence = 0;

  /** Of its newest listeners. */
  readonly #names = new Set<string>();

  /** Something old is kept. */
  get pending(): boolean {
    return this.#kept.size > 0;
  }

  /** For how long connections that have yet to say their first word may be meant for what is kept, milliseconds. */
  get silence(): number {
    return this.#silence;
  }

  /** Names of the listeners that there are to be. */
  get names(): ReadonlySet<string> {
    return this.#names;
  }

  /** Names of the secrets that its listeners wait for. */
  get secrets(): readonly string[] {
    return [...this.#given.values()].flatMap(secretsOf);
  }

  /** Listeners of these names have come, gone or changed. */
  heard(names: Iterable<string>, lookup: (name: string) => unknown): Heard {
    let [opens, closes] = [false, false];
    for (const name of names) {
      const before = this.#given.get(name);
      const next = inbound(lookup(name));
      this.#kept.delete(name);
      if (next === undefined) this.#names.delete(name);
      else this.#names.add(name);
      if (next !== undefined && (before === undefined || takesMore(before, next))) opens = true;
      if (before === undefined) continue;
      const kept = next === undefined ? before : withLostChains(before, next);
      if (kept === undefined) continue;
      this.#kept.set(name, kept);
      if (next) this.#silence = Math.max(this.#silence, silenceBetween(before, next));
      closes = true;
    }
    return { opens, closes };
  }

  /** What the proxy is to be given for the newest version of a listener. */
  giving(name: string, newest: unknown): unknown {
    const next = inbound(newest);
    if (next === undefined) return newest;
    const given = this.#kept.get(name) ?? next;
    this.#given.set(name, given);
    return given;
  }

  /** Nothing old is kept any more; names of the listeners that change by that. */
  release(): readonly string[] {
    const names = [...this.#kept.keys()];
    this.#kept.clear();
    this.#silence = 0;
    for (const name of names) this.#given.delete(name);
    return names;
  }
}

function inbound(value: unknown): Listener | undefined {
  const listener = value as Listener | undefined;
  return listener?.trafficDirection === "INBOUND" ? listener : undefined;
}
