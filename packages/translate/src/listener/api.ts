/** Listeners for gRPC clients that speak xDS themselves. */
import type { Listener } from "@heddle/envoy/config/listener/v3";
import type { HttpConnectionManager } from "@heddle/envoy/extensions/filters/network/http_connection_manager/v3";
import { resolveHost } from "@heddle/model";
import { horizonOf, inSight } from "../form/horizon.ts";
import { ADS } from "../ads.ts";
import { IDLE_FAULT } from "../filter/fault.ts";
import { routerFilter } from "../filter/router.ts";
import { type ClientView, derivation, type ModelReader } from "../read.ts";
import { typedConfig } from "../typed-config.ts";

/** For `xds:///<host>:<port>`; the host may be short. Undefined if no such port of a service is visible. */
export function apiListener(
  read: ModelReader,
  view: ClientView,
  name: string,
): Listener | undefined {
  const colon = name.lastIndexOf(":");
  if (colon <= 0) return undefined;
  const host = fullHost(read, name.slice(0, colon), view.namespace);
  const port = Number(name.slice(colon + 1));
  if (!read.service(host, view.namespace)?.ports.some((each) => each.port === port))
    return undefined;
  if (!inSight(read, horizonOf(read, view), host, port)) return undefined;
  return read.get(namedListener, { name, route: `${host}:${port}` });
}

const namedListener = derivation<{ readonly name: string; readonly route: string }, Listener>(
  "listener/api",
  ({ name, route }) => `${name}|${route}`,
  (_read, { name, route }) => ({
    name,
    apiListener: {
      apiListener: typedConfig<HttpConnectionManager>(
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        {
          rds: { routeConfigName: route, configSource: ADS },
          // Those of Envoy's that gRPC's own clients have, and that routes configure.
          httpFilters: [IDLE_FAULT, ...routerFilter.filters()],
        },
      ),
    },
  }),
);

/** `reviews`, `reviews.default` and `reviews.default.svc` as well as the full name. */
function fullHost(read: ModelReader, host: string, namespace: string): string {
  const { clusterDomain } = read.mesh;
  const candidates = [
    resolveHost(host, namespace, clusterDomain),
    `${host}.svc.${clusterDomain}`,
    `${host}.${clusterDomain}`,
  ];
  return candidates.find((candidate) => read.service(candidate, namespace)) ?? host;
}
