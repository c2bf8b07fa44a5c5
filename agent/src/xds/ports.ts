/** What the ADS server asks of the rest of the agent: views of the translated mesh, secrets, and a log. */
import type { ProxyDescription } from "@heddle/translate";

/** The resources that the server hands out, in the order in which they are made. */
export const resourceKinds = [
  "cluster",
  "endpoint",
  "secret",
  "extension",
  "listener",
  "route",
  "virtualHost",
] as const;

export type ResourceType = (typeof resourceKinds)[number];

/** Names of what came, went or changed. */
export type ChangedNames = ReadonlyMap<ResourceType, ReadonlySet<string>>;

/** The part of the translator's `ProxyView` that is used. A value keeps its object identity while it is unchanged. */
export interface ProxyView {
  /** What the proxy holds of a type: one live map for as long as the view lasts. */
  resources(type: ResourceType): ReadonlyMap<string, unknown>;
  /** One resource by name, whether or not it is in the map of its type. */
  named(type: ResourceType, name: string): unknown;
  /** The proxy asks for the virtual hosts that it uses, and holds no more clusters than these and its own resources lead to. */
  readonly onDemand: boolean;
  /** A resource that was asked for by name is not asked for any more. */
  forget(type: ResourceType, name: string): void;
  /** Names of the secrets that the proxy's resources refer to. */
  secrets(): readonly string[];
  /** Whether a secret of another namespace than the proxy's own may be given to it. */
  mayHave(secret: string): boolean;
  /** Calls back when all that a change means for this proxy has been worked out; returns how to stop. */
  subscribe(
    listener: (changed: ReadonlySet<ResourceType>, names: ChangedNames) => void,
  ): () => void;
  dispose(): void;
}

/** Where views come from: the translator. */
export interface ViewSource {
  view(proxy: ProxyDescription): ProxyView;
  /** Resolves when every view is up to date with what was applied, and has said so; without it, views always are. */
  settled?(): Promise<void>;
}

/** What workloads are known to call, from what they have asked for. */
export interface WorkingSets {
  /** Names of virtual hosts, `<route>/<authority>`, that the proxy's workload will want; those that it asked for last are last. */
  of(proxy: ProxyDescription): readonly string[];
  /** A proxy has asked for a virtual host of somebody in the mesh. */
  asked(proxy: ProxyDescription, name: string): void;
}

/** An Envoy Secret in protobuf JSON. */
export type SecretValue = { readonly name?: string | undefined } & object;

export interface SecretSource {
  /** The secret for this proxy, or nothing while there is none; `granted`: also one of another namespace. */
  secret(proxy: ProxyDescription, name: string, granted: boolean): SecretValue | undefined;
  /** Calls back with the name of a secret that changed; returns how to stop. */
  subscribe(listener: (name: string) => void): () => void;
}

/** Where the server says what happened; fields are data, never secrets. */
export interface XdsLog {
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
}
