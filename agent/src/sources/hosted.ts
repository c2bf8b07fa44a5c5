/** Objects that the plane holds, as a source: the mesh's state read into the model, cohorts and overlays merged in. */
import { closedInstead, type Diagnostic, type MeshObject, parseObject } from "@heddle/model";
import {
  type MeshState,
  nextExpiry,
  objectStateKey,
  type Overlay,
  overlaysInForce,
} from "@heddle/sync";
import type { OwnedObject } from "./merge.ts";

export interface HostedSource {
  /** Takes a state that was accepted; `changed` are state keys. Answers with the objects that are others now. */
  accept(
    state: MeshState,
    changed: readonly string[],
    now: number,
  ): Map<string, OwnedObject | undefined>;
  /** Drops overlays that have expired. */
  expire(now: number): Map<string, OwnedObject | undefined>;
  /** When `expire` is next to be called, milliseconds since 1970. */
  nextExpiry(now: number): number | undefined;
  diagnostics(): Diagnostic[];
}

interface Parsed {
  readonly hash: string;
  /** The last value that could be read. */
  readonly read: MeshObject | undefined;
  readonly inForce: MeshObject | undefined;
}

export function createHostedSource(): HostedSource {
  let state: MeshState | undefined;
  // By hash of the document: the same value is read once and keeps its identity.
  const parsed = new Map<string, Parsed>();
  const unreadable = new Map<string, Diagnostic>();
  let overlaid = new Set<string>();

  const valueOf = (stateKey: string): MeshObject | undefined => {
    const entry = state?.objects.get(stateKey);
    if (!entry) {
      parsed.delete(stateKey);
      unreadable.delete(stateKey);
      return undefined;
    }
    const known = parsed.get(stateKey);
    if (known?.hash === entry.hash) return known.inForce;
    const { object, diagnostics } = parseObject(entry.object);
    // An object that only a newer agent can read: what it was before is better than nothing, and a guard better than none.
    const read = object ?? known?.read;
    const inForce = read ?? closedInstead(entry.object);
    if (object) unreadable.delete(stateKey);
    else {
      const outcome =
        inForce === read
          ? "what it was before stays in force"
          : "what it is for is refused until then";
      unreadable.set(stateKey, unreadableObject(entry.key, diagnostics[0], outcome));
    }
    parsed.set(stateKey, { hash: entry.hash, read, inForce });
    return inForce;
  };
  const effective = (key: string, overlays: readonly Overlay[]): OwnedObject | undefined => {
    let stable = valueOf(key);
    const staged = state?.objects.has(objectStateKey(key, "candidate"));
    let candidate = staged ? valueOf(objectStateKey(key, "candidate")) : stable;
    for (const { scope, changes } of overlays) {
      for (const change of changes) {
        if (change.key !== key) continue;
        const value = change.object === null ? undefined : parseObject(change.object).object;
        if (change.object !== null && !value) continue;
        if (scope.kind === "everyone") stable = value;
        if (scope.kind !== "workloads") candidate = value;
      }
    }
    if (candidate === stable) return stable && { object: stable };
    return { object: stable ?? null, candidate: candidate ?? null };
  };
  const refresh = (keys: Iterable<string>, now: number) => {
    const overlays = overlaysInForce(
      [...(state?.overlays.values() ?? [])].map(({ overlay }) => overlay),
      now,
    );
    const next = new Set(overlays.flatMap(({ changes }) => changes.map(({ key }) => key)));
    const result = new Map<string, OwnedObject | undefined>();
    for (const key of new Set([...keys, ...overlaid, ...next]))
      result.set(key, effective(key, overlays));
    overlaid = next;
    return result;
  };
  return {
    accept(accepted, changed, now) {
      state = accepted;
      const keys = changed
        .filter((key) => !key.startsWith("overlay:"))
        .map((key) => key.replace(/@candidate$/, ""));
      return refresh(keys, now);
    },
    expire: (now) => refresh([], now),
    nextExpiry: (now) =>
      nextExpiry(
        [...(state?.overlays.values() ?? [])].map(({ overlay }) => overlay),
        now,
      ),
    diagnostics: () => [...unreadable.values()],
  };
}

function unreadableObject(key: string, first: Diagnostic | undefined, outcome: string): Diagnostic {
  return {
    code: "HDL7213",
    level: "Error",
    message: `${key} of the plane cannot be read here${first ? `: ${first.message}` : ""}; ${outcome}`,
    origin: first?.origin ?? key,
    remedy: "Upgrade the agent.",
  };
}

/** Every state key of a state: what changed when it is the first one. */
export function everyKey(state: MeshState): string[] {
  return [...state.objects.keys(), ...[...state.overlays.keys()].map((name) => `overlay:${name}`)];
}
