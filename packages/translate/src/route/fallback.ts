/** What becomes of requests for hosts that the mesh does not know. */
import type { VirtualHost } from "@heddle/envoy/config/route/v3";
import { PEER_HEADER } from "../filter/peer-header.ts";
import { outboundCluster, PASSTHROUGH_CLUSTER } from "../names.ts";
import type { UnknownHosts } from "../form/egress.ts";
import { NO_TIMEOUT } from "./timeout.ts";

/** `but`: a regular expression for authorities that it does not take, for which the client asks. */
export function fallbackVirtualHost(unknown: UnknownHosts, but?: string): VirtualHost {
  const found = fallbackFor(unknown);
  if (but === undefined) return found;
  const headers = [
    { name: ":authority", invertMatch: true, stringMatch: { safeRegex: { regex: `(?i)${but}` } } },
  ];
  const routes = (found.routes ?? []).map((route) => ({
    ...route,
    match: { ...route.match, headers },
  }));
  return { ...found, routes };
}

function fallbackFor({ policy, proxy }: UnknownHosts): VirtualHost {
  if (policy === "REGISTRY_ONLY") return BLOCK_ALL;
  return proxy === undefined ? ALLOW_ANY : throughProxy(proxy);
}

/** Where a Sidecar sends what it does not know. */
function throughProxy(proxy: NonNullable<UnknownHosts["proxy"]>): VirtualHost {
  const cluster = egressProxyCluster(proxy);
  const [route] = ALLOW_ANY.routes ?? [];
  return {
    ...ALLOW_ANY,
    routes: [{ ...route, route: { cluster, timeout: NO_TIMEOUT } }],
  };
}

export function egressProxyCluster({ host, port, subset }: NonNullable<UnknownHosts["proxy"]>) {
  return outboundCluster(host, port ?? 80, subset);
}

const ALLOW_ANY: VirtualHost = {
  name: "allow_any",
  domains: ["*"],
  routes: [
    {
      name: "allow_any",
      match: { prefix: "/" },
      route: { cluster: PASSTHROUGH_CLUSTER, timeout: NO_TIMEOUT },
    },
  ],
  // Strangers are not told who calls them.
  requestHeadersToRemove: [PEER_HEADER],
  includeRequestAttemptCount: true,
};

const BLOCK_ALL: VirtualHost = {
  name: "block_all",
  domains: ["*"],
  routes: [{ name: "block_all", match: { prefix: "/" }, directResponse: { status: 502 } }],
  includeRequestAttemptCount: true,
};
