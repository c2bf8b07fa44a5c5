/** Policies that workloads are chosen for by namespace, labels or a gateway's name: AuthorizationPolicy, Telemetry, WasmPlugin. */
import {
  labelsMatch,
  type MeshObject,
  type PolicyTarget,
  type PolicyTargetReference,
  selects,
} from "@heddle/model";
import type { Claims } from "../engine/claims.ts";
import type { ProxyDescription } from "../proxy.ts";
import { InNamespace } from "./in-namespace.ts";

/** Of a proxy, what policies may choose it by. */
export type Targeted = Pick<ProxyDescription, "namespace" | "labels" | "type">;

export class PoliciesByTarget<Spec extends PolicyTarget> extends InNamespace<Spec> {
  readonly #rootNamespace: string;

  /** `kind` is `group/Kind`; `order` is that of the policies of one namespace. */
  constructor(
    claims: Claims,
    rootNamespace: string,
    kind: string,
    order: (a: MeshObject<Spec>, b: MeshObject<Spec>) => number,
  ) {
    super(claims, kind, order);
    this.#rootNamespace = rootNamespace;
  }

  /** The root namespace's first, then the proxy's own. */
  choosing(proxy: Targeted): readonly MeshObject<Spec>[] {
    const root = this.#rootNamespace;
    return [...new Set([root, proxy.namespace])].flatMap((namespace) =>
      this.read(namespace).filter(({ spec, metadata }) =>
        isChosen(spec, metadata.namespace, proxy, root),
      ),
    );
  }
}

function isChosen(
  { selector, targetRef, targetRefs = targetRef ? [targetRef] : [] }: PolicyTarget,
  namespace: string,
  proxy: Targeted,
  rootNamespace: string,
): boolean {
  if (targetRefs.length > 0) {
    return targetRefs.some((reference) => isTarget(proxy, reference, namespace, rootNamespace));
  }
  return !selects(selector?.matchLabels) || labelsMatch(selector.matchLabels, proxy.labels);
}

const GATEWAY_NAME = "gateway.networking.k8s.io/gateway-name";
const GATEWAY_CLASS = "gateway.networking.k8s.io/gateway-class-name";

/**
 * Proxies of a Gateway carry its name as a label; a class is named in the root namespace only. A Service or ServiceEntry as a
 * target chooses waypoints, of which there are none.
 */
export function isTarget(
  { namespace, labels, type }: Targeted,
  { kind, name }: PolicyTargetReference,
  ownNamespace: string,
  rootNamespace: string,
): boolean {
  if (type !== "router") return false;
  if (kind === "Gateway") return labels[GATEWAY_NAME] === name && namespace === ownNamespace;
  return (
    kind === "GatewayClass" && ownNamespace === rootNamespace && labels[GATEWAY_CLASS] === name
  );
}
