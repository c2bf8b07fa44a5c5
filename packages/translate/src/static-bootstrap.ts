/** One proxy's whole configuration as one static bootstrap, for `envoy --mode validate` and for tests. */
import type { Bootstrap } from "@heddle/envoy/config/bootstrap/v3";
import type { Cluster } from "@heddle/envoy/config/cluster/v3";
import type { TypedExtensionConfig } from "@heddle/envoy/config/core/v3";
import type { ClusterLoadAssignment } from "@heddle/envoy/config/endpoint/v3";
import type { Listener } from "@heddle/envoy/config/listener/v3";
import type { RouteConfiguration } from "@heddle/envoy/config/route/v3";
import type { Secret } from "@heddle/envoy/extensions/transport_sockets/tls/v3";
import { ADS_STREAM, type BootstrapOptions, foundation } from "./bootstrap.ts";
import type { ProxyDescription } from "./proxy.ts";

/** The part of a `ProxyView` that is read. */
export interface StaticResources {
  resources(
    type: "cluster" | "endpoint" | "extension" | "listener" | "route",
  ): ReadonlyMap<string, unknown>;
  /** What EnvoyFilters change of the bootstrap itself. */
  bootstrap?(bootstrap: Bootstrap): Bootstrap;
}

export interface StaticOptions extends Partial<Omit<BootstrapOptions, "node">> {
  /** Certificates by SDS name; names that are not among them stay with the control plane. */
  readonly secrets?: readonly Secret[];
  /** Of its node. */
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/**
 * Routes are put into listeners, endpoints into clusters. Validation never connects anywhere, so the addresses of control
 * plane and telemetry are those of a sidecar on one machine unless they are given.
 */
export function staticBootstrap(
  proxy: Pick<ProxyDescription, "id" | "namespace">,
  view: StaticResources,
  { secrets = [], metadata = {}, ...options }: StaticOptions = {},
): Bootstrap {
  const base = foundation({
    // Envoy wants both before it speaks of secrets at all.
    node: { id: proxy.id || "unnamed", cluster: proxy.namespace || "unnamed", metadata },
    xds: { address: "127.0.0.1", port: 15010 },
    otlp: { address: "127.0.0.1", port: 4317 },
    admin: { address: "127.0.0.1", port: 15000 },
    ...options,
  });
  const routes = view.resources("route") as ReadonlyMap<string, RouteConfiguration>;
  const assignments = view.resources("endpoint") as ReadonlyMap<string, ClusterLoadAssignment>;
  const extensions = view.resources("extension") as ReadonlyMap<string, TypedExtensionConfig>;
  const listeners = [...(view.resources("listener") as ReadonlyMap<string, Listener>).values()];
  const clusters = [...(view.resources("cluster") as ReadonlyMap<string, Cluster>).values()];
  const given = new Set(secrets.map(({ name }) => name));
  const staticResources = {
    listeners: [
      ...base.staticResources.listeners,
      // A client library's listener means nothing to an Envoy.
      ...listeners
        .filter(({ apiListener }) => !apiListener)
        .map((listener) => withExtensions(withRoutes(listener, routes), extensions)),
    ],
    clusters: [
      ...base.staticResources.clusters,
      ...clusters.map((cluster) => withEndpoints(cluster, assignments)),
    ],
    secrets,
  };
  const whole: Bootstrap = {
    ...base,
    dynamicResources: { adsConfig: ADS_STREAM },
    staticResources: withSecrets(staticResources, given),
  };
  return view.bootstrap ? view.bootstrap(whole) : whole;
}

function withRoutes(listener: Listener, routes: ReadonlyMap<string, RouteConfiguration>): Listener {
  return rewriteObjects(listener, (object) => {
    const rds = object["rds"] as { readonly routeConfigName?: string } | undefined;
    if (!rds?.routeConfigName) return object;
    const { rds: _, ...rest } = object;
    const { routeConfigName: name } = rds;
    return { ...rest, routeConfig: { ...(routes.get(name) ?? { name }), validateClusters: false } };
  });
}

/** A filter whose configuration would come by itself has it in place. */
function withExtensions(
  listener: Listener,
  extensions: ReadonlyMap<string, TypedExtensionConfig>,
): Listener {
  if (extensions.size === 0) return listener;
  return rewriteObjects(listener, (object) => {
    const found =
      "configDiscovery" in object ? extensions.get(object["name"] as string) : undefined;
    if (found === undefined) return object;
    const { configDiscovery: _, ...rest } = object;
    return { ...rest, typedConfig: found.typedConfig };
  });
}

function withEndpoints(
  cluster: Cluster,
  assignments: ReadonlyMap<string, ClusterLoadAssignment>,
): Cluster {
  if (cluster.type !== "EDS") return cluster;
  const { edsClusterConfig, ...rest } = cluster;
  const name = edsClusterConfig?.serviceName || cluster.name || "";
  return {
    ...rest,
    type: "STATIC",
    loadAssignment: assignments.get(name) ?? { clusterName: name },
  };
}

/**
 * A reference without a source means a secret of the bootstrap's own. The others get a stream of their own: on the shared one
 * Envoy 1.40 crashes in validate mode, which never makes it.
 */
function withSecrets<T extends object>(resources: T, given: ReadonlySet<string | undefined>): T {
  const ownStream = { apiConfigSource: ADS_STREAM, resourceApiVersion: "V3" };
  return rewriteObjects(resources, (object) => {
    if (!("sdsConfig" in object)) return object;
    const { sdsConfig: _, ...rest } = object;
    return given.has(object["name"] as string) ? rest : { ...rest, sdsConfig: ownStream };
  });
}

type Plain = Readonly<Record<string, unknown>>;

/** A copy in which every object, innermost first, is what `rewrite` makes of it. */
function rewriteObjects<T extends object>(value: T, rewrite: (object: Plain) => Plain): T {
  const visit = (each: unknown): unknown => {
    if (Array.isArray(each)) return each.map(visit);
    if (typeof each !== "object" || each === null) return each;
    return rewrite(
      Object.fromEntries(Object.entries(each).map(([key, inner]) => [key, visit(inner)])),
    );
  };
  return visit(value) as T;
}
