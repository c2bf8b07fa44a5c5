/** The messages of both xDS dialects: requests read into one shape, responses put together from encoded resources. */
import { decode, encode, typeUrls } from "@heddle/envoy";
import type { XdsNode } from "@heddle/translate";
import type { EncodedResource } from "./encoded-resource.ts";
import type { ResourceType } from "./ports.ts";
import { resourceKinds } from "./ports.ts";

/** `sotw`: every request names all resources wanted. `delta`: requests and responses carry only differences. */
export type Dialect = "sotw" | "delta";

/** A request of either dialect. */
export interface DiscoveryRequest {
  readonly typeUrl: string;
  /** Nothing for a type that this server does not serve. */
  readonly type: ResourceType | undefined;
  /** Present in a stream's first request. */
  readonly node: (XdsNode & { readonly userAgentName?: string }) | undefined;
  /** The response that is acknowledged, or refused if there is an `error`; empty in a request on the client's own account. */
  readonly responseNonce: string;
  readonly error: string | undefined;
  /** sotw: all names wanted. delta: names wanted from now on. */
  readonly subscribe: readonly string[];
  /** delta: names no longer wanted. */
  readonly unsubscribe: readonly string[];
  /** delta: what the client holds from an earlier stream, name to version. */
  readonly initialVersions: ReadonlyMap<string, string>;
  /** sotw: the client has accepted something before, on this stream or an earlier one. */
  readonly configured: boolean;
}

export interface DiscoveryResponse {
  readonly version: string;
  readonly type: ResourceType;
  readonly nonce: string;
  readonly resources: readonly EncodedResource[];
  /** delta only. */
  readonly removed: readonly string[];
}

const kindOfUrl = new Map<string, ResourceType>(
  resourceKinds.map((kind) => [typeUrls[kind], kind]),
);

interface WireRequest {
  readonly node?: XdsNode & { readonly userAgentName?: string };
  readonly typeUrl?: string;
  readonly responseNonce?: string;
  readonly errorDetail?: { readonly message?: string };
  readonly versionInfo?: string;
  readonly resourceNames?: readonly string[];
  readonly resourceNamesSubscribe?: readonly string[];
  readonly resourceNamesUnsubscribe?: readonly string[];
  readonly initialResourceVersions?: Readonly<Record<string, string>>;
}

const messages = {
  sotw: {
    request: "envoy.service.discovery.v3.DiscoveryRequest",
    response: "envoy.service.discovery.v3.DiscoveryResponse",
  },
  delta: {
    request: "envoy.service.discovery.v3.DeltaDiscoveryRequest",
    response: "envoy.service.discovery.v3.DeltaDiscoveryResponse",
  },
} as const;

/** Throws a `ValueError` (HDL3006) for bytes that are no request. */
export function readRequest(dialect: Dialect, bytes: Uint8Array): DiscoveryRequest {
  const wire = decode(messages[dialect].request, bytes) as WireRequest;
  const typeUrl = wire.typeUrl ?? "";
  const initialVersions = new Map(Object.entries(wire.initialResourceVersions ?? {}));
  return {
    typeUrl,
    type: kindOfUrl.get(typeUrl),
    node: wire.node,
    responseNonce: wire.responseNonce ?? "",
    error: wire.errorDetail ? (wire.errorDetail.message ?? "refused without a reason") : undefined,
    subscribe: wire.resourceNames ?? wire.resourceNamesSubscribe ?? [],
    unsubscribe: wire.resourceNamesUnsubscribe ?? [],
    initialVersions,
    configured: dialect === "sotw" ? (wire.versionInfo ?? "") !== "" : initialVersions.size > 0,
  };
}

/** The response's bytes: its own few fields, then the resources as they were encoded once. */
export function writeResponse(dialect: Dialect, response: DiscoveryResponse): Buffer {
  const common = { typeUrl: typeUrls[response.type], nonce: response.nonce };
  const head =
    dialect === "sotw"
      ? { ...common, versionInfo: response.version }
      : { ...common, systemVersionInfo: response.version, removedResources: response.removed };
  const entries = response.resources.map((resource) =>
    dialect === "sotw" ? resource.entry : resource.deltaEntry,
  );
  return Buffer.concat([encode(messages[dialect].response, head), ...entries]);
}
