/** A mesh of ready-made Envoy resources, the same for every proxy: for tests of what happens after translation. */
import { resourceKinds } from "../ports.ts";
import type {
  ChangedNames,
  ProxyView,
  ResourceType,
  SecretSource,
  SecretValue,
  ViewSource,
  XdsLog,
} from "../ports.ts";

/** Values by name, or `null` for names that go. */
export type Changes = Partial<Record<ResourceType, Readonly<Record<string, object | null>>>>;

export interface TestViews extends ViewSource {
  /** Changes several types at once and then tells every view. */
  change(changes: Changes): void;
  resources(type: ResourceType): ReadonlyMap<string, object>;
  /** Listeners that are only given by name, as to a gRPC client. */
  readonly byName: Map<string, object>;
  /** Views that have not been given back. */
  readonly open: number;
}

export function createTestViews(): TestViews {
  const maps = new Map<ResourceType, Map<string, object>>(
    resourceKinds.map((type) => [type, new Map()]),
  );
  const listeners = new Set<(changed: ReadonlySet<ResourceType>, names: ChangedNames) => void>();
  const byName = new Map<string, object>();
  let open = 0;
  const of = (type: ResourceType): Map<string, object> => maps.get(type)!;
  return {
    byName,
    get open() {
      return open;
    },
    resources: of,
    change(changes) {
      const types = Object.keys(changes) as ResourceType[];
      for (const type of types) {
        const map = of(type);
        for (const [name, value] of Object.entries(changes[type]!)) {
          if (value) map.set(name, value);
          else map.delete(name);
        }
      }
      const names = new Map(types.map((type) => [type, new Set(Object.keys(changes[type]!))]));
      for (const listener of listeners) listener(new Set(types), names);
    },
    view(): ProxyView {
      open++;
      return {
        resources: of,
        named: (type, name) => of(type).get(name) ?? byName.get(`${type}/${name}`),
        onDemand: false,
        forget: () => {},
        secrets: () => ["kubernetes://default/web"],
        mayHave: () => false,
        subscribe(listener) {
          listeners.add(listener);
          return () => void listeners.delete(listener);
        },
        dispose: () => void open--,
      };
    },
  };
}

export interface TestSecrets extends SecretSource {
  set(name: string, value: SecretValue): void;
}

export function createTestSecrets(): TestSecrets {
  const values = new Map<string, SecretValue>();
  const listeners = new Set<(name: string) => void>();
  return {
    secret: (_, name) => values.get(name),
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    set(name, value) {
      values.set(name, value);
      for (const listener of listeners) listener(name);
    },
  };
}

export const silent: XdsLog = { info() {}, warn() {} };
