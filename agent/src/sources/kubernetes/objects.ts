/** A cluster's objects as the model reads them: what changed, and what is wrong with which. */
import { isDeepStrictEqual } from "node:util";
import {
  closedInstead,
  type Diagnostic,
  type MeshObject,
  objectKey,
  originOf,
  parseObject,
  type Pod,
} from "@heddle/model";
import type { AgentLog } from "../../log.ts";
import type { OwnedObject } from "../merge.ts";
import { createNodePlaces } from "./node-places.ts";
import { hasStatus, type ObservedObject, observedOf } from "./observed.ts";
import { nameOf, type RawObject, type ReflectorTarget } from "./reflector.ts";
import { slim } from "./slim.ts";
import { apiVersionOf, NODES, type WatchedKind } from "./watched.ts";

export interface ClusterObjects {
  /** Takes what a reflector of this kind sees, in this version. */
  target(kind: WatchedKind, version: string): ReflectorTarget;
  /** The kind is gone, and its objects with it. */
  drop(kind: WatchedKind): void;
  /** What changed since the last call; undefined: gone. */
  take(): Map<string, OwnedObject | undefined>;
  /** What was seen since the last call of kinds whose status is written; undefined: gone. */
  takeObserved(): Map<string, ObservedObject | undefined>;
  diagnostics(): Diagnostic[];
  readonly size: number;
}

/** `changed` is called when there is something to take, or other diagnostics; `seen` when there is something observed. */
export function createClusterObjects(
  changed: () => void,
  seen: () => void,
  log: AgentLog,
): ClusterObjects {
  /** By kind, then by model key. */
  const held = new Map<WatchedKind, Map<string, MeshObject>>();
  const wrong = new Map<WatchedKind, Map<string, readonly Diagnostic[]>>();
  /** Keys of what stands in the place of policies that cannot be read. */
  const closed = new Set<string>();
  const places = createNodePlaces();
  let dirty = new Map<string, OwnedObject | undefined>();
  let observed = new Map<string, ObservedObject | undefined>();

  const of = <T>(all: Map<WatchedKind, Map<string, T>>, kind: WatchedKind): Map<string, T> => {
    const known = all.get(kind) ?? new Map<string, T>();
    all.set(kind, known);
    return known;
  };
  const set = (kind: WatchedKind, key: string, object: MeshObject | undefined) => {
    const objects = of(held, kind);
    if (object === undefined && !objects.has(key)) return;
    if (object) objects.set(key, object);
    else objects.delete(key);
    const value = kind.kind === "Pod" ? places.pod(key, object as MeshObject<Pod>) : object;
    dirty.set(key, value && { object: value });
    changed();
  };
  /** Whether that is news. */
  const tell = (kind: WatchedKind, key: string, diagnostics: readonly Diagnostic[]): boolean => {
    const known = of(wrong, kind);
    if (isDeepStrictEqual(known.get(key) ?? [], diagnostics)) return false;
    if (diagnostics.length > 0) known.set(key, diagnostics);
    else known.delete(key);
    changed();
    return true;
  };
  const observe = (key: string, value: ObservedObject | undefined) => {
    observed.set(key, value);
    seen();
  };
  const put = (kind: WatchedKind, version: string, raw: RawObject) => {
    const key = keyOf(kind, nameOf(raw));
    const document = {
      ...slim(kind, raw),
      ...{ apiVersion: apiVersionOf(kind, version), kind: kind.kind },
    };
    const { object, diagnostics } = parseObject(document);
    const known = of(held, kind).get(key);
    const before = closed.has(key) ? undefined : known;
    if (hasStatus(kind)) observe(key, observedOf(kind, version, raw, object !== undefined));
    if (object) {
      closed.delete(key);
      tell(kind, key, diagnostics);
      if (!isDeepStrictEqual(known, object)) set(kind, key, object);
      return;
    }
    const instead = before ? undefined : closedInstead(document);
    if (instead) {
      closed.add(key);
      if (!isDeepStrictEqual(known, instead)) set(kind, key, instead);
    }
    const stands = before ? [outdated(before)] : instead ? [refusing(instead)] : [];
    if (!tell(kind, key, [...diagnostics, ...stands])) return;
    log.warn("HDL7233: an object of the cluster is bad", { key, first: diagnostics[0]?.message });
  };
  const remove = (kind: WatchedKind, key: string) => {
    closed.delete(key);
    set(kind, key, undefined);
    tell(kind, key, []);
    if (hasStatus(kind)) observe(key, undefined);
  };
  const placeNode = (name: string, labels: Readonly<Record<string, string>> | undefined) => {
    for (const key of places.node(name, labels)) {
      const pod = places.placed(key);
      if (!pod) continue;
      dirty.set(key, { object: pod });
      changed();
    }
  };
  const nodes = (): ReflectorTarget => {
    const names = new Set<string>();
    const gone = (name: string) => {
      names.delete(name);
      placeNode(name, undefined);
    };
    return {
      put({ metadata: { name, labels } }) {
        names.add(name);
        placeNode(name, labels as Readonly<Record<string, string>> | undefined);
      },
      remove: ({ metadata: { name } }) => gone(name),
      only(listed) {
        for (const name of names) if (!listed.has(`/${name}`)) gone(name);
      },
    };
  };
  return {
    target(kind, version) {
      if (kind === NODES) return nodes();
      return {
        put: (raw) => put(kind, version, raw),
        remove: (raw) => remove(kind, keyOf(kind, nameOf(raw))),
        only(names) {
          const keys = new Set([...names].map((name) => keyOf(kind, name)));
          for (const known of [of(held, kind), of(wrong, kind)])
            for (const key of known.keys()) if (!keys.has(key)) remove(kind, key);
        },
      };
    },
    drop(kind) {
      for (const known of [of(held, kind), of(wrong, kind)])
        for (const key of known.keys()) remove(kind, key);
    },
    take() {
      const taken = dirty;
      dirty = new Map();
      return taken;
    },
    takeObserved() {
      const taken = observed;
      observed = new Map();
      return taken;
    },
    diagnostics: () => [...wrong.values()].flatMap((known) => [...known.values()].flat()),
    get size() {
      let size = 0;
      for (const objects of held.values()) size += objects.size;
      return size;
    },
  };
}

function keyOf({ group, kind }: WatchedKind, name: string): string {
  const [namespace = "", rest = ""] = name.split("/");
  const apiVersion = apiVersionOf({ group }, "v1");
  return objectKey({
    ...{ apiVersion, kind },
    metadata: { namespace, name: rest, labels: {}, annotations: {} },
  });
}

function outdated(before: MeshObject): Diagnostic {
  const origin = originOf(before);
  return {
    code: "HDL7233",
    level: "Warning",
    message: `${origin} of the cluster has errors; what it was before them stays in force`,
    origin,
    remedy: "Correct the object. An agent that starts anew does without it until then.",
  };
}

function refusing(instead: MeshObject): Diagnostic {
  const origin = originOf(instead);
  return {
    code: "HDL7233",
    level: "Warning",
    message: `${origin} of the cluster has errors; what it is for is refused until it is corrected`,
    origin,
    remedy: "Correct the object.",
  };
}
