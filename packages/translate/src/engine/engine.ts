/** Computes each derivation once for each key that somebody holds, and tells what it did. */
import { isRegistryKey } from "../origin/objects-in.ts";
import { record } from "../origin/recording.ts";
import { Trace } from "../origin/trace.ts";
import type { Derivation, ModelReader } from "../read.ts";
import type { Claims } from "./claims.ts";
import { type Family, SharedValue } from "./shared-value.ts";

/** What a derivation did. */
export interface DerivationStats {
  /** Values held now. */
  readonly alive: number;
  /** Computations since the last call of `stats`. */
  readonly recomputed: number;
}

export interface EngineStats extends DerivationStats {
  readonly byName: Readonly<Record<string, DerivationStats>>;
}

/** A derivation whose last computation failed; its last good value stands, if it ever had one. */
export interface Failure {
  readonly derivation: string;
  readonly key: string;
  readonly error: unknown;
  /** Keys of the objects that it had read when it failed. */
  readonly objects: readonly string[];
}

/** The values derived from one cohort's model. */
export class Engine {
  readonly #families = new Map<string, Family>();
  readonly #failures = new Map<SharedValue, unknown>();
  readonly #claims: Claims;
  #reader: ModelReader | undefined;

  constructor(claims: Claims) {
    this.#claims = claims;
  }

  /** The reader that derivations read through; it calls back for `get`, so it comes after the engine. */
  set reader(reader: ModelReader) {
    this.#reader = reader;
  }

  /** A tracked read of a derivation's value. Throws `DerivationFailed` if it has none. */
  get<K, V>(derivation: Derivation<K, V>, key: K): V {
    const family = this.#families.get(derivation.name) ?? this.#addFamily(derivation.name);
    const keyText = derivation.keyOf(key);
    let value = family.values.get(keyText);
    if (value === undefined) {
      value = new SharedValue(family, derivation as Derivation<unknown, unknown>, key, keyText);
      family.values.set(keyText, value);
    }
    const read = value.value as V;
    this.#claims.recorder.read(value, keyText);
    return read;
  }

  failures(): Failure[] {
    return Array.from(this.#failures, ([value, error]) => ({
      derivation: value.family.name,
      key: value.keyText,
      error,
      objects: this.#readBy(value),
    }));
  }

  #readBy({ derivation, key }: SharedValue): readonly string[] {
    const reader = this.#reader as ModelReader;
    const { objects, derived } = record(reader, (read) => void derivation.compute(read, key));
    const trace = new Trace(reader);
    const all = [...objects, ...derived.flatMap((each) => [...trace.cone(each)])];
    const written = all.filter((each) => !isRegistryKey(each));
    return [...new Set(written.length > 0 ? written : all)].toSorted();
  }

  /** Reads the counters and starts them again. */
  stats(): EngineStats {
    let alive = 0;
    let recomputed = 0;
    const byName: Record<string, DerivationStats> = {};
    for (const [name, family] of this.#families) {
      byName[name] = { alive: family.values.size, recomputed: family.computed };
      alive += family.values.size;
      recomputed += family.computed;
      family.computed = 0;
    }
    return { alive, recomputed, byName };
  }

  #addFamily(name: string): Family {
    if (this.#reader === undefined) throw new Error("an engine computes nothing without a reader");
    const family: Family = {
      name,
      values: new Map(),
      reader: this.#reader,
      claims: this.#claims,
      failures: this.#failures,
      computed: 0,
    };
    this.#families.set(name, family);
    return family;
  }
}
