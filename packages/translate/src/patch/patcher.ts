/** Applies patches late, to resources that are made already, so that proxies without patches go on sharing them. */
import type { Bootstrap } from "@heddle/envoy/config/bootstrap/v3";
import type { Cluster } from "@heddle/envoy/config/cluster/v3";
import type { Listener } from "@heddle/envoy/config/listener/v3";
import type { RouteConfiguration } from "@heddle/envoy/config/route/v3";
import { INBOUND_PASSTHROUGH_CLUSTER } from "../names.ts";
import type { ProxyDescription } from "../proxy.ts";
import { derivation, type ModelReader } from "../read.ts";
import { type GatewayKey, gatewayKeyOf, gatewayServers } from "../route/gateway-servers.ts";
import { patchCluster } from "./clusters.ts";
import type { PatchTarget } from "./compile.ts";
import type { EnvoyApi } from "./envoy-api.ts";
import { patchListener } from "./listeners.ts";
import type { ServerPorts } from "./matching.ts";
import { recordPatched } from "./origins.ts";
import {
  type PatchContext,
  patchesFor,
  patchKeyOf,
  type PatchSet,
  type PatchSetKey,
} from "./patch-set.ts";
import { Patching } from "./patching.ts";
import { patchRouteConfiguration } from "./routes.ts";

/** Each gives a resource back as it was where no patch applies, and undefined where a patch takes it away. */
export interface Patcher {
  cluster(cluster: Cluster): Cluster | undefined;
  listener(listener: Listener): Listener | undefined;
  route(configuration: RouteConfiguration): RouteConfiguration | undefined;
  /** The bootstrap of a proxy, with what is merged into it. */
  bootstrap(bootstrap: Bootstrap): Bootstrap;
  /** Names of the secrets that patches refer to, of the proxy's own namespace. */
  secrets(namespace: string): readonly string[];
  /** What patches bring that was not there. */
  added(target: "CLUSTER" | "LISTENER" | "EXTENSION_CONFIG"): readonly { readonly name?: string }[];
}

/** All patches of a proxy; undefined where it has none. Its reads are tracked. */
export function patcherOf(read: ModelReader, proxy: ProxyDescription): Patcher | undefined {
  const key = patchKeyOf(read, proxy);
  if (key === "") return undefined;
  const ports =
    proxy.type === "router" ? read.get(serverPorts, gatewayKeyOf(proxy)) : NO_SERVER_PORTS;
  return patcherFor(read, key, proxy.type, ports);
}

/** Patches by the key of their set. */
export function patcherFor(
  read: ModelReader,
  key: PatchSetKey,
  type: ProxyDescription["type"],
  ports: ServerPorts = NO_SERVER_PORTS,
): Patcher | undefined {
  const set = patchesFor(read, key);
  const { envoyApi } = read;
  if (set === undefined || envoyApi === undefined) return undefined;
  const contextOf = (inbound: boolean): PatchContext =>
    type === "router" ? "GATEWAY" : inbound ? "SIDECAR_INBOUND" : "SIDECAR_OUTBOUND";
  const applying =
    <T extends object>(apply: (patching: Patching, value: T) => T | undefined) =>
    (inbound: boolean, value: T): T | undefined =>
      once({ set, ports, api: envoyApi, context: contextOf(inbound), apply, value });
  const cluster = applying(patchCluster);
  const listener = applying(patchListener);
  const route = applying(patchRouteConfiguration);
  return {
    cluster: (value) => cluster(isInbound(value), value),
    listener: (value) => listener(value.trafficDirection === "INBOUND", value),
    route: (value) => route(false, value),
    bootstrap: (value) =>
      patchBootstrap(new Patching(set, envoyApi, contextOf(true), ports), value),
    secrets: (namespace) => secretsIn(set, namespace),
    added: (target) => added(set, target),
  };
}

/** A bootstrap is everything's: whatever context a patch names, the proxy that it selects has one. */
function patchBootstrap(patching: Patching, original: Bootstrap): Bootstrap {
  return patching
    .everywhere("BOOTSTRAP")
    .reduce((bootstrap, patch) => patching.merged(patch, bootstrap), original);
}

function isInbound({ name = "" }: Cluster): boolean {
  return name.startsWith("inbound|") || name === INBOUND_PASSTHROUGH_CLUSTER;
}

function added(set: PatchSet, target: PatchTarget): readonly { readonly name?: string }[] {
  return set.patches.flatMap(({ applyTo, operation, value, object }) => {
    if (applyTo !== target || operation !== "ADD") return [];
    recordPatched(value, [object]);
    return [value];
  });
}

/** A patch may hand a proxy what its own namespace has, not the secrets of others. */
function secretsIn({ patches }: PatchSet, namespace: string): readonly string[] {
  const found = new Set<string>();
  const look = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(look);
    else if (typeof value === "object" && value !== null) {
      const { name, sdsConfig } = value as { name?: unknown; sdsConfig?: unknown };
      if (sdsConfig !== undefined && typeof name === "string") found.add(name);
      Object.values(value).forEach(look);
    }
  };
  for (const { value } of patches) look(value);
  return [...found].filter((name) => name.startsWith(`kubernetes://${namespace}/`)).toSorted();
}

const NO_SERVER_PORTS: ServerPorts = new Map();

const serverPorts = derivation<GatewayKey, ServerPorts>(
  "patch/server-ports",
  (key) => gatewayServers.keyOf(key),
  (read, key) => {
    const ports = new Map<number, Set<number>>();
    for (const { port, listener } of read.get(gatewayServers, key)) {
      ports.set(port, (ports.get(port) ?? new Set()).add(listener.port));
    }
    return ports;
  },
);

interface Application<T extends object> {
  readonly set: PatchSet;
  readonly ports: ServerPorts;
  readonly api: EnvoyApi;
  readonly context: PatchContext;
  readonly apply: (patching: Patching, value: T) => T | undefined;
  readonly value: T;
}

type Outcomes = WeakMap<object, { readonly result: object | undefined }>;

/** Sets and resources keep their identity while they are unchanged: so does what becomes of both together. */
const outcomes = new WeakMap<PatchSet, Map<PatchContext, WeakMap<ServerPorts, Outcomes>>>();

function once<T extends object>(application: Application<T>): T | undefined {
  const { set, ports, context, value } = application;
  const known = outcomesOf(set, context, ports);
  let outcome = known.get(value);
  if (outcome === undefined) {
    outcome = { result: run(application) };
    known.set(value, outcome);
  }
  return outcome.result as T | undefined;
}

function run<T extends object>({ set, ports, api, context, apply, value }: Application<T>) {
  const patching = new Patching(set, api, context, ports);
  const result = apply(patching, value);
  if (result !== undefined && result !== value) recordPatched(result, [...patching.objects], value);
  return result;
}

function outcomesOf(set: PatchSet, context: PatchContext, ports: ServerPorts): Outcomes {
  const byContext = outcomes.get(set) ?? new Map<PatchContext, WeakMap<ServerPorts, Outcomes>>();
  outcomes.set(set, byContext);
  const byPorts = byContext.get(context) ?? new WeakMap<ServerPorts, Outcomes>();
  byContext.set(context, byPorts);
  const own = byPorts.get(ports) ?? new WeakMap();
  byPorts.set(ports, own);
  return own;
}
