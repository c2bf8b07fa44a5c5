/** The mesh's Redactions, for the telemetry process. */
import { byAge, type MeshObject, parseObjectKey, type Redaction } from "@heddle/model";
import type { RedactionSettings } from "./telemetry/telemetry-options.ts";

export interface Redactions {
  /** Whether one of them has changed. */
  objectsChanged(keys: readonly string[]): boolean;
  /** The same object until one of them changes. */
  settings(): RedactionSettings;
}

/** `key` is that of hashes, `objectAt` the merged model. */
export function createRedactions(options: {
  readonly rootNamespace: string;
  readonly key: string;
  readonly objectAt: (key: string) => MeshObject | undefined;
}): Redactions {
  const held = new Map<string, MeshObject<Redaction>>();
  let settings: RedactionSettings | undefined;
  return {
    objectsChanged(keys) {
      const own = keys.filter(isRedaction);
      for (const key of own) {
        const object = options.objectAt(key) as MeshObject<Redaction> | undefined;
        if (object) held.set(key, object);
        else held.delete(key);
      }
      if (own.length > 0) settings = undefined;
      return own.length > 0;
    },
    settings: () =>
      (settings ??= {
        key: options.key,
        policy: {
          rootNamespace: options.rootNamespace,
          objects: [...held.values()]
            .toSorted(byAge)
            .map(({ metadata: { namespace, name }, spec }) => ({ namespace, name, spec })),
        },
      }),
  };
}

function isRedaction(key: string): boolean {
  const { group, kind } = parseObjectKey(key) ?? {};
  return group === "heddle.dev" && kind === "Redaction";
}
