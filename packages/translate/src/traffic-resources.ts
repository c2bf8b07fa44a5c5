/** Listeners and routes of a proxy, as the engine asks for them. */
import { apiListener } from "./listener/api.ts";
import { datagramListeners } from "./listener/datagrams.ts";
import { dnsListeners } from "./listener/dns.ts";
import { gatewayListeners, gatewayListenerSecrets } from "./listener/gateway.ts";
import { inboundListeners } from "./listener/inbound.ts";
import { inboundPorts } from "./listener/inbound-ports.ts";
import { listenerSecrets } from "./listener/tls.ts";
import { outboundListeners } from "./listener/outbound.ts";
import { TRUST_BUNDLE_SECRET, WORKLOAD_SECRET } from "./names.ts";
import type { TrafficResources } from "./resources.ts";
import { gatewayRoute } from "./route/gateway-routes.ts";
import { gatewayKeyOf, gatewayServers } from "./route/gateway-servers.ts";
import { askedVirtualHost, sidecarRoute, sidecarRouteNames } from "./route/sidecar-routes.ts";

export const trafficResources: TrafficResources = {
  listenerGroups(read, proxy, view) {
    return proxy.type === "router"
      ? [() => gatewayListeners(read, proxy, view), () => datagramListeners(read, proxy)]
      : [
          () => outboundListeners(read, proxy, view),
          () => inboundListeners(read, proxy),
          () => dnsListeners(read, proxy, view),
        ];
  },
  routeNames(read, proxy, view) {
    if (proxy.type === "sidecar") return sidecarRouteNames(read, proxy, view);
    const servers = read.get(gatewayServers, gatewayKeyOf(proxy));
    const names = servers.flatMap(({ listener: { protocol }, routeName }) =>
      protocol === "HTTP" || protocol === "HTTPS" ? [routeName] : [],
    );
    return [...new Set(names)].toSorted();
  },
  routeConfiguration(read, proxy, view, name) {
    return proxy.type === "router"
      ? read.get(gatewayRoute, { gateway: gatewayKeyOf(proxy), view, name })
      : sidecarRoute(read, view, name);
  },
  askedVirtualHost,
  apiListener,
  listenerSecrets(read, proxy) {
    if (proxy.type === "router") return gatewayListenerSecrets(read, proxy);
    const asked = inboundPorts(read, proxy);
    const named = read.peerAuthenticationPorts(proxy.namespace, proxy.labels);
    const secured = [0, ...asked.map(({ targetPort }) => targetPort), ...named].some(
      (port) => read.peerAuthentication(proxy.namespace, proxy.labels, port) !== "DISABLE",
    );
    const offered = asked.flatMap(({ tls }) => (tls ? listenerSecrets(tls, proxy.namespace) : []));
    const mesh = secured ? [WORKLOAD_SECRET, TRUST_BUNDLE_SECRET] : [];
    return [...new Set([...mesh, ...offered])].toSorted();
  },
  inboundPorts,
};
