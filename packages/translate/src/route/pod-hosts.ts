/** Names of single pods of a headless service, `pod-0.db.shop.svc.cluster.local`, for clients of an HTTP proxy. */
import type { VirtualHost } from "@heddle/envoy/config/route/v3";
import type { ServiceModel } from "@heddle/model";
import { POD_HOSTNAME } from "../cluster/pod-hosts.ts";
import type { ModelReader } from "../read.ts";
import { defaultRoute } from "./default-route.ts";
import { domainsOf } from "./domains.ts";

export interface PodHost {
  readonly host: string;
  readonly virtualHost: VirtualHost;
}

/** One for each pod that has a name, by name; rules for the service do not speak of its single pods. */
export function podHostsOf(
  read: ModelReader,
  service: ServiceModel,
  port: number,
): readonly PodHost[] {
  if (!service.headless) return [];
  const names = read.endpoints(service, port).flatMap(({ hostname }) => hostname ?? []);
  return [...new Set(names)].toSorted().flatMap((name): PodHost[] => {
    const host = `${name}.${service.host}`;
    // Somebody has a name of the pod for a host of its own, or for rules.
    if (read.service(host) !== undefined || read.rulesNaming(host).length > 0) return [];
    const route = defaultRoute(service.host, port, []);
    return [
      {
        host,
        virtualHost: {
          name: `${host}:${port}`,
          domains: domainsOf(
            { ...service, host, name: `${name}.${service.name}`, headless: false, aliases: [] },
            port,
            "",
            read.mesh.clusterDomain,
            "proxy",
          ),
          routes: [
            {
              ...route,
              route: {
                ...route.route,
                metadataMatch: { filterMetadata: { "envoy.lb": { [POD_HOSTNAME]: name } } },
              },
            },
          ],
          includeRequestAttemptCount: true,
        },
      },
    ];
  });
}
