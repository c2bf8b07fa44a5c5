/** Resolves the host that a request asks for, where its cluster has no endpoints but what is asked for. */
import type { FilterConfig } from "@heddle/envoy/extensions/filters/http/dynamic_forward_proxy/v3";
import { DNS_CACHE } from "../cluster/dynamic-forward-proxy.ts";
import { extension } from "../typed-config.ts";
import type { HttpFeature } from "./http-feature.ts";

const FILTER = extension<FilterConfig>(
  "envoy.filters.http.dynamic_forward_proxy",
  "envoy.extensions.filters.http.dynamic_forward_proxy.v3.FilterConfig",
  { dnsCacheConfig: DNS_CACHE },
);

/** Requests to any other cluster pass it untouched; it is there only where the mesh has such hosts. */
export const forwardProxyFilter: HttpFeature = {
  name: "forward proxy",
  filters: ({ leg, dynamicHosts }) => (leg === "outbound" && dynamicHosts ? [FILTER] : []),
};
