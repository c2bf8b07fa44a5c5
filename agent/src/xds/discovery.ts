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

/** Writes responses. Streams that are sent the same, which is what a change does to most of them, share the bytes. */
export interface ResponseWriter {
  write(dialect: Dialect, response: DiscoveryResponse): Buffer;
}

/** Responses that are kept for the next stream: one of each type, and as many again for a second kind of proxy. */
const KEPT_RESPONSES = 8;

/** Smaller responses are not worth keeping. Bytes. */
const KEPT_FROM_BYTES = 4 * 1024;

export function createResponseWriter(): ResponseWriter {
  const kept: {
    readonly dialect: Dialect;
    readonly response: DiscoveryResponse;
    readonly bytes: Buffer;
  }[] = [];
  return {
    write(dialect, response) {
      const found = kept.find(
        (each) => each.dialect === dialect && sameResponse(each.response, response),
      );
      if (found) return found.bytes;
      const bytes = writeResponse(dialect, response);
      if (bytes.length >= KEPT_FROM_BYTES) {
        kept.push({ dialect, response, bytes });
        if (kept.length > KEPT_RESPONSES) kept.shift();
      }
      return bytes;
    },
  };
}

function sameResponse(a: DiscoveryResponse, b: DiscoveryResponse): boolean {
  return (
    a.type === b.type &&
    a.nonce === b.nonce &&
    a.version === b.version &&
    a.resources.length === b.resources.length &&
    a.removed.length === b.removed.length &&
    a.resources.every((resource, index) => resource === b.resources[index]) &&
    a.removed.every((name, index) => name === b.removed[index])
  );
}

/** Its own few fields, then the resources as they were encoded once. */
function writeResponse(dialect: Dialect, response: DiscoveryResponse): Buffer {
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
