/** Resolves the server name that TLS asks for, and has the connection go there. */
import type { Filter } from "@heddle/envoy/config/listener/v3";
import type { FilterConfig } from "@heddle/envoy/extensions/filters/network/sni_dynamic_forward_proxy/v3";
import type { ServicePort } from "@heddle/model";
import { DNS_CACHE } from "../cluster/dynamic-forward-proxy.ts";
import { extension } from "../typed-config.ts";

/** The name says no port: it is the one that the host's entry gives. */
export function sniForwardProxy({ port, targetPort }: ServicePort): Filter {
  return extension<FilterConfig>(
    "envoy.filters.network.sni_dynamic_forward_proxy",
    "envoy.extensions.filters.network.sni_dynamic_forward_proxy.v3.FilterConfig",
    {
      portValue: typeof targetPort === "number" ? targetPort : port,
      dnsCacheConfig: DNS_CACHE,
    },
  );
}
