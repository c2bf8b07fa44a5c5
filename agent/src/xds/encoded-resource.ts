/** A resource as it goes over the wire: encoded once per value, addressed by the hash of its bytes. */
import { hash } from "node:crypto";
import { encode, resourceTypes, typeUrls } from "@heddle/envoy";
import type { EncodedParts } from "@heddle/envoy";
import type { RouteConfiguration, VirtualHost } from "@heddle/envoy/config/route/v3";
import type { ResourceType } from "./ports.ts";
import { routedFor } from "./routed-for.ts";

export interface EncodedResource {
  readonly name: string;
  /** 96 bits of the SHA-256 of its bytes: equal hashes mean that nothing has to be sent. */
  readonly hash: string;
  /** `<revision>-<hash>`, the revision being the one in which the value was first encoded. */
  readonly version: string;
  /** The field of a DeltaDiscoveryResponse that carries it. */
  readonly deltaEntry: Uint8Array;
  /** The field of a DiscoveryResponse that carries it: the end of `deltaEntry`, whose inner field has the same number. */
  readonly entry: Uint8Array;
  /** A number of 48 bits drawn from name and hash; sums of them tell sets of resources apart whatever their order. */
  readonly summand: number;
  /** For a cluster that gets its endpoints by EDS, the name to ask for. */
  readonly endpointName: string | undefined;
  /** Of a cluster, the secrets that it does without only in the clear, by their SDS names. */
  readonly secretNames: readonly string[];
  /** For routes and virtual hosts, how long requests may still ask for clusters after they were led there; see `routedFor`. */
  readonly routedFor: ReadonlyMap<string, number> | undefined;
  /** Of a secret, what it was made of: whoever made it knows which certificate that is. */
  readonly secret: object | undefined;
}

/** Encodes resources, each value once. */
export interface ResourceEncoder {
  /** Throws a `ValueError` for a value that is no such resource. */
  encoded(type: ResourceType, name: string, value: object): EncodedResource;
}

/** `revision` is asked when a value is encoded for the first time. Forgotten values take their bytes with them. */
export function createResourceEncoder(revision: () => number): ResourceEncoder {
  const known = new WeakMap<object, EncodedResource>();
  const parts: EncodedParts = new WeakMap();
  return {
    encoded(type, name, value) {
      const found = known.get(value);
      if (found?.name === name) return found;
      const made = make(type, name, value, revision(), parts);
      known.set(value, made);
      return made;
    },
  };
}

/** The hash in a version that some replica gave out. */
export function hashOf(version: string): string {
  return version.slice(version.indexOf("-") + 1);
}

function make(
  type: ResourceType,
  name: string,
  value: object,
  revision: number,
  parts: EncodedParts,
): EncodedResource {
  const bytes = encode(resourceTypes[type], value, parts);
  const id = digest(bytes);
  const version = `${revision}-${id}`;
  const entry = field(0x12, field(0x0a, Buffer.from(typeUrls[type])), field(0x12, bytes));
  const deltaEntry = inOwnMemory(
    field(0x12, field(0x1a, Buffer.from(name)), field(0x0a, Buffer.from(version)), entry),
  );
  return {
    name,
    hash: id,
    version,
    deltaEntry,
    entry: deltaEntry.subarray(deltaEntry.length - entry.length),
    summand: hash("sha256", `${name} ${id}`, "buffer").readUIntBE(0, 6),
    endpointName: type === "cluster" ? endpointNameOf(name, value) : undefined,
    secretNames: type === "cluster" ? [...secretNamesIn(value)] : NO_NAMES,
    routedFor: routedForIn(type, value),
    secret: type === "secret" ? value : undefined,
  };
}

const NO_NAMES: readonly string[] = [];

function secretNamesIn(value: unknown, into = new Set<string>()): ReadonlySet<string> {
  if (typeof value !== "object" || value === null) return into;
  const { name, sdsConfig } = value as { readonly name?: unknown; readonly sdsConfig?: unknown };
  if (sdsConfig !== undefined && typeof name === "string") into.add(name);
  for (const each of Object.values(value)) secretNamesIn(each, into);
  return into;
}

function routedForIn(type: ResourceType, value: object): ReadonlyMap<string, number> | undefined {
  if (type === "route") return routedFor(value as RouteConfiguration);
  return type === "virtualHost" ? routedFor({ virtualHosts: [value as VirtualHost] }) : undefined;
}

function endpointNameOf(name: string, cluster: object): string | undefined {
  const { type, edsClusterConfig } = cluster as {
    type?: unknown;
    edsClusterConfig?: { serviceName?: string };
  };
  return type === "EDS" ? edsClusterConfig?.serviceName || name : undefined;
}

/** 12 bytes keep two of a billion resources apart; 16 characters in base64url. */
function digest(bytes: Uint8Array): string {
  return hash("sha256", bytes, "base64url").slice(0, 16);
}

/** Small buffers are slices of blocks of 64 KiB: one that is kept would keep its whole block, of which the rest is long forgotten. */
function inOwnMemory(bytes: Buffer): Buffer {
  const own = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(own);
  return own;
}

/** A length-delimited protobuf field. */
function field(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  let length = parts.reduce((sum, part) => sum + part.length, 0);
  const head = [tag];
  while (length >= 0x80) {
    head.push((length & 0x7f) | 0x80);
    length >>>= 7;
  }
  head.push(length);
  return Buffer.concat([Uint8Array.from(head), ...parts]);
}
