/** What a derivation, or a part of a view, reads: found by running it once more with a reader that notes its answers. */
import { untracked } from "@preact/signals-core";
import type { Derivation, ModelReader } from "../read.ts";
import { Tracked } from "../store/tracked.ts";
import { allKeysIn, keysIn } from "./objects-in.ts";

/** A read of another derivation. */
export interface DerivedRead {
  readonly derivation: Derivation<unknown, unknown>;
  readonly key: unknown;
  /** Equal for reads of the same value. */
  readonly id: string;
  /** Undefined where it failed. */
  readonly value: unknown;
}

export interface Recording {
  /** Keys of the objects that were answered. */
  readonly objects: ReadonlySet<string>;
  readonly derived: readonly DerivedRead[];
}

/** Runs `run` untracked. What it throws ends it; what it read before that counts. */
export function record(read: ModelReader, run: (read: ModelReader) => void): Recording {
  const objects = new Set<string>();
  const derived = new Map<string, DerivedRead>();
  const note = (keys: Iterable<string>) => {
    for (const key of keys) objects.add(key);
  };
  const recorder = new Proxy(read, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (name === "gatewayApi") return heard(member as object, note);
      if (typeof member !== "function") return member;
      if (name === "get") {
        return (derivation: Derivation<unknown, unknown>, key: unknown) => {
          const id = readId(derivation.name, derivation.keyOf(key));
          derived.set(id, { derivation, key, id, value: undefined });
          const value: unknown = target.get(derivation, key);
          derived.set(id, { derivation, key, id, value });
          return value;
        };
      }
      return (...args: unknown[]) =>
        noted(() => Reflect.apply(member, target, args) as unknown, note);
    },
  });
  untracked(() => {
    try {
      run(recorder);
    } catch {
      // Whoever asks wants to know what was read, also of what fails.
    }
  });
  return { objects, derived: [...derived.values()] };
}

/** A reader within the reader, whose answers are noted as well. */
function heard<Reader extends object>(reader: Reader, note: (keys: Iterable<string>) => void) {
  return new Proxy(reader, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== "function") return member;
      return (...args: unknown[]) =>
        noted(() => Reflect.apply(member, target, args) as unknown, note);
    },
  });
}

/** An answer that holds no object itself, such as a mode, was decided by the objects that the store looked at for it. */
function noted(ask: () => unknown, note: (keys: Iterable<string>) => void): unknown {
  const looked: unknown[] = [];
  const answer = Tracked.overhear((value) => looked.push(value), ask);
  if (typeof answer === "object") note(allKeysIn(answer));
  // What the store keeps for each namespace does not say which of them decided.
  else for (const value of looked) note(keysIn(value));
  return answer;
}

export function readId(derivation: string, key: string): string {
  return `${derivation}|${key}`;
}
