/** One port of one service as clients of one view are routed to it. */
import type { Route, VirtualHost } from "@heddle/envoy/config/route/v3";
import { derivation, type ClientView } from "../read.ts";
import { defaultRoute } from "./default-route.ts";
import { type DomainForm, domainsOf } from "./domains.ts";
import { hashPoliciesOf } from "./hash-policy.ts";
import { routesOf } from "./rules.ts";

export interface HostKey {
  readonly view: ClientView;
  readonly host: string;
  readonly port: number;
}

const MESH: ReadonlySet<string> = new Set(["mesh"]);

/** Shared by every listener that leads to this port, whatever forms of the host it is addressed by. */
export const hostRoutes = derivation<HostKey, readonly Route[]>(
  "route/host",
  ({ view, host, port }) => `${view.key}|${host}|${port}`,
  (read, { view, host, port }) => {
    const virtualService = read.virtualService(host, view.namespace);
    if (!virtualService?.spec.http?.length) {
      return [
        defaultRoute(host, port, hashPoliciesOf(read, view.namespace, host, port, undefined)),
      ];
    }
    return routesOf({ read, view, virtualService, port, tls: false, gateways: MESH });
  },
);

/**
 * Undefined if no such port of a service is visible. A request that no rule matches is answered with 404, as in Istio: the
 * virtual host is there and has no route for it.
 */
export const virtualHost = derivation<
  HostKey & { readonly form: DomainForm },
  VirtualHost | undefined
>(
  "route/virtual-host",
  ({ view, host, port, form }) => `${view.key}|${host}|${port}|${form}`,
  (read, { view, host, port, form }) => {
    const service = read.service(host);
    if (!service?.ports.some((each) => each.port === port)) return undefined;
    return {
      name: `${host}:${port}`,
      domains: domainsOf(service, port, view.namespace, read.mesh.clusterDomain, form),
      routes: read.get(hostRoutes, { view, host, port }),
      includeRequestAttemptCount: true,
    };
  },
);
