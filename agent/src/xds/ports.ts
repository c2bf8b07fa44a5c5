/** What the ADS server asks of the rest of the agent: views of the translated mesh, secrets, and a log. */
import type { ProxyDescription } from "@heddle/translate";

/** The resources that the server hands out, in the order in which they are made. */
export const resourceKinds = ["cluster", "endpoint", "secret", "listener", "route"] as const;

export type ResourceType = (typeof resourceKinds)[number];

/** What one proxy should hold. A value keeps its object identity while it is unchanged; so does the map of a type, or it is changed in place. */
export interface ProxyView {
  resources(type: ResourceType): ReadonlyMap<string, unknown>;
  /** One resource by name, whether or not it is in the map of its type. */
  named(type: ResourceType, name: string): unknown;
  /** Names of the secrets that the proxy's resources refer to. */
  secrets(): readonly string[];
  /** Calls back after all that a change means for this proxy has been worked out; returns how to stop. */
  subscribe(listener: (changed: ReadonlySet<ResourceType>) => void): () => void;
  dispose(): void;
}

/** Where views come from: the translator. */
export interface ViewSource {
  view(proxy: ProxyDescription): ProxyView;
  /** Resolves when every view is up to date with what was applied; without it, views are up to date at once. */
  settled?(): Promise<void>;
}

/** An Envoy Secret in protobuf JSON. */
export type SecretValue = { readonly name?: string | undefined } & object;

export interface SecretSource {
  /** The secret for this proxy, or nothing while there is none. */
  secret(proxy: ProxyDescription, name: string): SecretValue | undefined;
  /** Calls back with the name of a secret that changed; returns how to stop. */
  subscribe(listener: (name: string) => void): () => void;
}

/** Where the server says what happened; fields are data, never secrets. */
export interface XdsLog {
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
}
