/** One port of one service as clients of one view are routed to it. */
import type { Route, VirtualHost } from "@heddle/envoy/config/route/v3";
import { heeds } from "../form/horizon.ts";
import { rulesForHost } from "../form/rules.ts";
import { outboundCluster } from "../names.ts";
import { type ClientView, derivation, type ModelReader } from "../read.ts";
import { defaultRoute } from "./default-route.ts";
import { type DomainForm, domainsOf, homesOf } from "./domains.ts";
import { forGrpcClient } from "./grpc-client.ts";
import { hashPoliciesOf } from "./hash-policy.ts";
import { withFallback } from "./fallback-route.ts";
import { routesOf } from "./rules.ts";
import { sharedView } from "./shared-view.ts";

export interface HostKey {
  /** False where the client's Sidecar does not take the rules that there are. */
  readonly ruled: boolean;
  /** See `RuleContext`. */
  readonly plain: boolean;
  /** As narrow as `sharedView` makes it. */
  readonly view: ClientView;
  readonly host: string;
  readonly port: number;
}

const MESH: ReadonlySet<string> = new Set(["mesh"]);

/** Shared by every listener that leads to this port, whatever forms of the host it is addressed by. */
export const hostRoutes = derivation<HostKey, readonly Route[]>(
  "route/host",
  ({ ruled, plain, view, host, port }) => `${view.key}|${host}|${port}|${ruled}|${plain}`,
  (read, key) => {
    const routes = allRoutes(read, key);
    if (!key.plain) return routes;
    const own = outboundCluster(read.service(key.host)?.aliasOf ?? key.host, key.port);
    return routes.flatMap((route) => forGrpcClient(route, own));
  },
);

function allRoutes(
  read: ModelReader,
  { ruled, plain, view, host, port }: HostKey,
): readonly Route[] {
  const rules = ruled ? rulesForHost(read, host, view.namespace) : undefined;
  const unruled = () => {
    const route = defaultRoute(host, port, hashPoliciesOf(read, view, host, port, undefined));
    return plain ? route : withFallback(route, { read, view });
  };
  if (
    rules === undefined ||
    rules.http.length === 0 ||
    (rules.ports && !rules.ports.includes(port))
  ) {
    return [unruled()];
  }
  const routes = routesOf({ read, view, rules, port, tls: false, gateways: MESH, plain });
  // Rules of which none concerns the client are, as in Istio, as good as none.
  return routes.length > 0 ? routes : [unruled()];
}

interface VirtualHostKey extends HostKey {
  readonly form: DomainForm;
  /** The client's namespace, if the bare name of the service or of an alias is enough there; else empty. */
  readonly local: string;
}

/**
 * Undefined if there is no such port. A request that no rule matches is answered with 404, as in Istio: the virtual host is
 * there and has no route for it.
 */
const sharedVirtualHost = derivation<VirtualHostKey, VirtualHost | undefined>(
  "route/virtual-host",
  ({ ruled, plain, view, host, port, form, local }) =>
    `${view.key}|${host}|${port}|${form}|${local}|${ruled}|${plain}`,
  (read, { ruled, plain, view, host, port, form, local }) => {
    const service = read.service(host, view.namespace);
    if (!service?.ports.some((each) => each.port === port)) return undefined;
    // A host of somebody's whose whole name is that bare one keeps it.
    const bare = [service.name, `*.${service.name}`].some((name) => read.service(name))
      ? ""
      : local;
    return {
      name: `${host}:${port}`,
      domains: domainsOf(service, port, bare, read.mesh.clusterDomain, form),
      routes: read.get(hostRoutes, { ruled, plain, view, host, port }),
      includeRequestAttemptCount: true,
    };
  },
);

/** The virtual host of a port as clients of a view see it, shared with all views that see the same. */
export function virtualHost(
  read: ModelReader,
  view: ClientView,
  host: string,
  port: number,
  form: DomainForm,
): VirtualHost | undefined {
  const service = read.service(host, view.namespace);
  const isHome = service !== undefined && homesOf(service).includes(view.namespace);
  const local = isHome ? view.namespace : "";
  const rules = rulesForHost(read, host, read.routeScope(host, view.namespace));
  return read.get(sharedVirtualHost, {
    ruled: rules === undefined || heeds(read, view, rules, host),
    plain: view.reach === "proxyless",
    view: sharedView(read, view, host),
    host,
    port,
    form,
    local,
  });
}
