/** What Envoy would refuse: references between one proxy's resources that lead nowhere, and domains that occur twice. */
import type { FilterChain, Listener } from "@heddle/envoy/config/listener/v3";
import type { RouteConfiguration } from "@heddle/envoy/config/route/v3";
import type { ProxyView } from "../index.ts";
import { NOWHERE_CLUSTER, OTLP_CLUSTER, XDS_CLUSTER } from "../names.ts";

/** EnvoyFilters of random meshes add this domain as often as they come: whether Envoy takes it is their user's affair. */
const PATCHED = "patched";
/** Clusters of the bootstrap. */
const STATIC: ReadonlySet<string> = new Set([XDS_CLUSTER, OTLP_CLUSTER, NOWHERE_CLUSTER]);

/**
 * A listener's route configuration, a listener's cluster and a cluster's endpoints must be there. Clusters that routes name, and
 * those of services of which the proxy has none, are another matter: a rule may name a service that nobody has, or that the
 * proxy's namespace does not see; and a rule for connections a port or a subset that the service does not have.
 */
export function dangling(view: ProxyView): readonly string[] {
  const routes = view.resources("route");
  const clusters = view.resources("cluster");
  const listeners = [...view.resources("listener").values()] as readonly Listener[];
  const served = new Set(["", ...[...clusters.keys()].map(hostOf)]);
  const ruled = named(listeners.flatMap(ruledChains), "cluster");
  const missing = (what: string, names: Iterable<string>, there: (name: string) => boolean) =>
    [...names].filter((name) => !there(name)).map((name) => `${what} ${name}`);
  return [
    ...missing("route", named(listeners, "routeConfigName"), (name) => routes.has(name)),
    ...missing(
      "cluster",
      [...named(listeners, "cluster"), ...named(listeners, "clusterName")].filter(
        (name) => !STATIC.has(name),
      ),
      (name) => clusters.has(name) || !served.has(hostOf(name)) || ruled.has(name),
    ),
    ...missing(
      "endpoints",
      edsNames(clusters),
      (name) => view.named("endpoint", name) !== undefined,
    ),
    ...[...routes.values()].flatMap((each) => twice(each as RouteConfiguration)),
  ];
}

function twice({ name, virtualHosts = [] }: RouteConfiguration): readonly string[] {
  const seen = new Set<string>();
  return virtualHosts
    .flatMap(({ domains = [] }) => domains)
    .filter((domain) => seen.size === seen.add(domain).size && domain !== PATCHED)
    .map((domain) => `domain ${domain} twice in ${name}`);
}

/** Filter chains that lead back to an object of the user's. */
function ruledChains({ filterChains = [], defaultFilterChain }: Listener): readonly FilterChain[] {
  return [...filterChains, ...(defaultFilterChain ? [defaultFilterChain] : [])].filter(
    ({ metadata }) => metadata !== undefined,
  );
}

/** Empty for clusters that stand for no service. */
function hostOf(cluster: string): string {
  return cluster.startsWith("outbound|") ? cluster.slice(cluster.lastIndexOf("|") + 1) : "";
}

/** Every text value of a field, however deep; also of clusters that typed configurations of listeners name. */
function named(value: unknown, field: string, found = new Set<string>()): Set<string> {
  if (Array.isArray(value)) for (const each of value) named(each, field, found);
  else if (typeof value === "object" && value !== null)
    for (const [key, inner] of Object.entries(value)) {
      if (key === field && typeof inner === "string") found.add(inner);
      else named(inner, field, found);
    }
  return found;
}

function edsNames(clusters: ReadonlyMap<string, unknown>): readonly string[] {
  return [...clusters].flatMap(([name, cluster]) => {
    const { type, edsClusterConfig } = cluster as {
      type?: string;
      edsClusterConfig?: { serviceName?: string };
    };
    return type === "EDS" ? [edsClusterConfig?.serviceName ?? name] : [];
  });
}
