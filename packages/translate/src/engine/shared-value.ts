/** One derived value, computed when it is asked for, kept while somebody watches it. */
import { Computed } from "@preact/signals-core";
import type { Derivation, ModelReader } from "../read.ts";
import type { Claimable, Claims } from "./claims.ts";
import type { Outcome } from "./changes/recorded-change.ts";
import { deepEqual } from "./deep-equal.ts";

/** All values of one derivation in one cohort, by key. */
export interface Family {
  readonly name: string;
  readonly values: Map<string, SharedValue>;
  readonly reader: ModelReader;
  readonly claims: Claims;
  readonly failures: Map<SharedValue, unknown>;
  /** Number of computations since it was last asked for. */
  computed: number;
}

/** Thrown to readers of a value that failed and never had a good one; the cause is reported where it happened. */
export class DerivationFailed extends Error {
  override readonly name = "DerivationFailed";
}

type AnyDerivation = Derivation<unknown, unknown>;

/** Memory counts here, there are hundreds of thousands: one object each, no closures. */
export class SharedValue extends Computed<unknown> implements Claimable {
  readonly family: Family;
  readonly keyText: string;
  readonly key: unknown;
  readonly derivation: AnyDerivation;
  /** The last good value. */
  last: unknown = NONE;

  constructor(family: Family, derivation: AnyDerivation, key: unknown, keyText: string) {
    super(evaluate as () => unknown, WATCHING);
    this.family = family;
    this.derivation = derivation;
    this.key = key;
    this.keyText = keyText;
    family.claims.released(this);
  }

  forget(): void {
    if (this.family.values.get(this.keyText) === this) this.family.values.delete(this.keyText);
    this.family.failures.delete(this);
  }
}

const NONE = Symbol("no value yet");

const WATCHING = {
  watched(this: unknown) {
    const value = this as SharedValue;
    value.family.claims.claimed(value);
  },
  unwatched(this: unknown) {
    const value = this as SharedValue;
    value.family.claims.released(value);
  },
};

/** Runs as a method of the computed. */
function evaluate(this: SharedValue): unknown {
  const { family, keyText, last } = this;
  const { recorder } = family.claims;
  const running = recorder.begin("derivation", family.name, keyText, last === NONE);
  if (running === undefined) return recompute(this);
  try {
    return recompute(this);
  } finally {
    recorder.end(running, outcomeOf(this, last), this);
  }
}

function outcomeOf(value: SharedValue, before: unknown): Outcome {
  if (value.last === NONE || value.family.failures.has(value)) return "failed";
  return before === NONE ? "new" : value.last === before ? "equal" : "changed";
}

/** A failure leaves the last good value standing. */
function recompute(value: SharedValue): unknown {
  const { family, last } = value;
  family.computed++;
  let next: unknown;
  try {
    next = value.derivation.compute(family.reader, value.key);
  } catch (error) {
    if (!(error instanceof DerivationFailed)) family.failures.set(value, error);
    else family.failures.delete(value);
    if (last !== NONE) return last;
    throw error instanceof DerivationFailed
      ? error
      : new DerivationFailed(`${family.name}(${value.keyText})`, { cause: error });
  }
  if (family.failures.size > 0) family.failures.delete(value);
  if (last !== NONE && deepEqual(last, next)) return last;
  value.last = next;
  return next;
}
