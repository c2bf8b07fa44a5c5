/** Objects that Envoy refuses stay at the value that it took last: between the model and its translation. */
import { canonicalJson, kindOf, type MeshObject, parseObjectKey } from "@heddle/model";
import type { Change } from "@heddle/translate";

type Value = MeshObject<unknown> | null;

/** What an object was before it changed, as long as it is not known whether proxies take it. */
export interface Unproven {
  readonly before: Value;
  /** Milliseconds since 1970. */
  readonly changedAt: number;
  /** It was there when the agent started: nobody knows what it was before. */
  readonly initial: boolean;
}

export interface Hold {
  readonly key: string;
  /** Null: Envoy refuses that the object is gone. */
  readonly refused: Value;
  /** What stays in force. */
  readonly substitute: Value;
}

export interface Holds {
  /** Changes of the model as the translation is to have them. `released` are keys that changed and are held no more. */
  pass(changes: readonly Change[]): { changes: Change[]; released: string[] };
  /** Puts an object back to what it was before; undefined where that is no other value. */
  hold(key: string): Change | undefined;
  /** Lets the translation have an object's own value again. */
  release(key: string): Change | undefined;
  unproven(key: string): Unproven | undefined;
  /** Proxies hold everything that had changed before this time, milliseconds since 1970. */
  prove(before: number): void;
  /** The value that the mesh wants, held or not. */
  wanted(key: string): Value;
  all(): readonly Hold[];
}

/** `saved` are holds of an earlier run: they count for as long as the object is the one that was refused. */
export function createHolds(saved: readonly Hold[], now: () => number): Holds {
  const values = new Map<string, Value>();
  const unproven = new Map<string, Unproven>();
  const holds = new Map<string, Hold>();
  const earlier = new Map(saved.map((hold) => [hold.key, hold]));
  const started = now();

  const one = (change: Change, released: string[]): Change => {
    const { key, object } = change;
    if (!isWritten(key)) return change;
    const before = values.get(key) ?? null;
    values.set(key, object);
    const known = holds.get(key) ?? earlier.get(key);
    earlier.delete(key);
    if (known && same(known.refused, object)) {
      holds.set(key, known);
      return { key, object: known.substitute };
    }
    if (holds.delete(key)) released.push(key);
    // What was in force is what to go back to, not what was wanted and refused.
    const trusted = known ? known.substitute : (unproven.get(key)?.before ?? before);
    const initial = before === null && !known && now() - started < STARTING;
    unproven.set(key, { before: trusted, changedAt: now(), initial });
    return change;
  };
  return {
    pass(changes) {
      const released: string[] = [];
      return { changes: changes.map((change) => one(change, released)), released };
    },
    hold(key) {
      const refused = values.get(key) ?? null;
      const substitute = unproven.get(key)?.before ?? null;
      if (holds.has(key) || same(refused, substitute)) return undefined;
      holds.set(key, { key, refused, substitute });
      return { key, object: substitute };
    },
    release(key) {
      return holds.delete(key) ? { key, object: values.get(key) ?? null } : undefined;
    },
    unproven: (key) => unproven.get(key),
    prove(before) {
      for (const [key, { changedAt }] of unproven)
        if (changedAt < before && !holds.has(key)) unproven.delete(key);
    },
    wanted: (key) => values.get(key) ?? null,
    all: () => [...holds.values()],
  };
}

/** Objects that come within so long of the start were there before it, milliseconds. */
const STARTING = 5_000;

/** Somebody wrote it for the mesh: Services, Pods and the like are facts, which nobody can hold back. */
function isWritten(key: string): boolean {
  const { group = "", kind = "" } = parseObjectKey(key) ?? {};
  return kind === "Ingress" || kindOf(`${group}/`, kind)?.foreign === false;
}

function same(a: Value, b: Value): boolean {
  return a === b || (a !== null && b !== null && canonicalJson(a) === canonicalJson(b));
}
