/** HDL0143: hosts of a rule of the mesh that no service has, where the rule has little effect or none. */
import type { VirtualService } from "@heddle/model";
import {
  gatewaysOf,
  isWildcard,
  resolveHost,
  splitServiceHost,
  virtualServiceHosts,
} from "@heddle/model";
import { diagnostic } from "../check.ts";
import type { Check, CheckContext } from "../check.ts";

/** Where requests for a host outside of the mesh go unless they say otherwise. */
const HTTP_PORT = 80;

export const checkUnservedHosts: Check<VirtualService> = function* (entry, context) {
  const { object } = entry;
  const { index } = context;
  if (!index.hasServices() || !gatewaysOf(object).includes("mesh")) return;
  const hosts = virtualServiceHosts(object, index.clusterDomain);
  const unserved = new Set(hosts.filter((host) => !isServed(host, context)));
  const { http = [], tls = [], tcp = [] } = object.spec;
  const destinations = new Set(
    [...http, ...tls, ...tcp]
      .flatMap(({ route = [] }) => route)
      .map(({ destination: { host } }) =>
        resolveHost(host, object.metadata.namespace, index.clusterDomain),
      ),
  );
  const beside = unserved.size < hosts.length;
  for (const [position, host] of hosts.entries()) {
    // Where the rule sends requests to it, it is named as missing there.
    if (!unserved.has(host) || destinations.has(host)) continue;
    const effect = effectOf(object.spec, beside || index.anyServiceOn(HTTP_PORT));
    if (effect === undefined && !isOfCluster(host, context)) continue;
    yield diagnostic(entry, {
      code: "HDL0143",
      path: `spec.hosts[${position}]`,
      message: `No service has the host ${host}${effect ?? ": of the sidecars' requests only those for port 80 follow the rule"}.`,
    });
  }
};

/** Undefined where requests may follow the rule. */
function effectOf({ http = [] }: VirtualService, reached: boolean): string | undefined {
  if (http.length === 0) return ", and the rule is for connections: it has no effect";
  return reached ? undefined : ", and no service is on port 80: the rule has no effect";
}

/** By its full name, or by a shorter form of one that is there: rules take `name.namespace` for a host outside. */
function isOfCluster(host: string, { index }: CheckContext): boolean {
  const { clusterDomain } = index;
  if (splitServiceHost(host, clusterDomain) !== undefined) return true;
  const [name, namespace, svc = "svc", ...rest] = host.split(".");
  const short = svc === "svc" && rest.length === 0;
  return short && index.services(`${name}.${namespace}.svc.${clusterDomain}`).length > 0;
}

function isServed(host: string, { index }: CheckContext): boolean {
  return isWildcard(host) ? index.anyServiceUnder(host) : index.services(host).length > 0;
}
