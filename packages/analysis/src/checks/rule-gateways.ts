/** IST0101, IST0132: gateways that a VirtualService is bound to, and whether they listen for its hosts. */
import type { Gateway, VirtualService } from "@heddle/model";
import { gatewayReference, hostMatches } from "@heddle/model";
import { diagnostic, missing } from "../check.ts";
import type { Check, CheckContext } from "../check.ts";

export const checkRuleGateways: Check<VirtualService> = function* (entry, context) {
  const { metadata, spec } = entry.object;
  for (const [position, name] of (spec.gateways ?? []).entries()) {
    if (name === "mesh") continue;
    const path = `spec.gateways[${position}]`;
    const gateway = gatewayReference(name, metadata.namespace);
    const hosts = gatewayHosts(gateway, metadata.namespace, context);
    if (!hosts) yield missing(entry, context, { what: "gateway", name, path });
    const own = spec.hosts ?? [];
    if (own.some((host) => hosts?.some((pattern) => hostMatches(pattern, host)))) continue;
    const rule = `${metadata.namespace}/${metadata.name}`;
    yield diagnostic(entry, {
      code: "IST0132",
      path,
      message: `one or more host [${own.join(" ")}] defined in VirtualService ${rule} not found in Gateway ${gateway}.`,
    });
  }
};

/** Hosts that a gateway listens for as far as rules of a namespace may use them; undefined for a gateway that is not there. */
function gatewayHosts(
  gateway: string,
  namespace: string,
  { index }: CheckContext,
): readonly string[] | undefined {
  const own = gateway.slice(0, gateway.indexOf("/"));
  const istio = index.entry(`networking.istio.io/Gateway/${gateway}`);
  if (istio) {
    const { servers = [] } = istio.object.spec as Gateway;
    return servers.flatMap(({ hosts }) => hosts.flatMap((host) => hostFor(host, own, namespace)));
  }
  const kubernetes = index.entry(`gateway.networking.k8s.io/Gateway/${gateway}`);
  if (!kubernetes) return undefined;
  const { listeners = [] } = kubernetes.object.spec as {
    listeners?: readonly { readonly hostname?: string }[];
  };
  return listeners.map(({ hostname }) => hostname || "*");
}

/** The host of `namespace/host` where that namespace's rules may use it. */
function hostFor(text: string, own: string, namespace: string): string[] {
  const slash = text.indexOf("/");
  if (slash < 0) return [text];
  const named = text.slice(0, slash);
  const allowed = named === "*" || (named === "." ? own : named) === namespace;
  return allowed ? [text.slice(slash + 1)] : [];
}
