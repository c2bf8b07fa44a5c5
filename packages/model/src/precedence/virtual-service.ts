/** Which VirtualService decides for a host when several could. */
import { bySpecificity, hostMatches, resolveHost } from "../host.ts";
import { byAge } from "../object.ts";
import type { MeshObject } from "../object.ts";
import type { VirtualService } from "../kinds/virtual-service.ts";
import { isVisible } from "./visibility.ts";

/** Gateways that a rule is bound to, as `namespace/name`, and `mesh` for sidecars. */
export function gatewaysOf(rule: MeshObject<VirtualService>): readonly string[] {
  const { gateways } = rule.spec;
  if (gateways === undefined || gateways.length === 0) return ["mesh"];
  return gateways.map((gateway) => gatewayReference(gateway, rule.metadata.namespace));
}

/** `namespace/name` of a gateway as written in a namespace; `mesh` stays `mesh`, `name.namespace.svc…` is understood. */
export function gatewayReference(gateway: string, namespace: string): string {
  if (gateway === "mesh" || gateway.includes("/")) return gateway;
  const [name, other] = gateway.split(".");
  return other === undefined ? `${namespace}/${gateway}` : `${other}/${name}`;
}

/** Full names of a rule's hosts. */
export function virtualServiceHosts(
  rule: MeshObject<VirtualService>,
  clusterDomain: string,
): readonly string[] {
  return (rule.spec.hosts ?? []).map((host) =>
    resolveHost(host, rule.metadata.namespace, clusterDomain),
  );
}

/**
 * The rule of the mesh that decides for `host` as a namespace sees it: the most specific host wins, the oldest rule
 * among equals. `candidates` may hold others, which are passed over.
 */
export function chooseVirtualService(
  candidates: Iterable<MeshObject<VirtualService>>,
  host: string,
  namespace: string,
  clusterDomain: string,
): MeshObject<VirtualService> | undefined {
  let best: { rule: MeshObject<VirtualService>; pattern: string } | undefined;
  for (const rule of candidates) {
    if (!gatewaysOf(rule).includes("mesh")) continue;
    if (!isVisible(rule.spec.exportTo, rule.metadata.namespace, namespace)) continue;
    for (const pattern of virtualServiceHosts(rule, clusterDomain)) {
      if (!hostMatches(pattern, host)) continue;
      const order = best ? bySpecificity(pattern, best.pattern) || byAge(rule, best.rule) : -1;
      if (order < 0) best = { rule, pattern };
    }
  }
  return best?.rule;
}
