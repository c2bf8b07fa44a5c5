/** Policies that workloads are chosen for by namespace, labels or a gateway's name: Telemetry, WasmPlugin. */
import {
  labelsMatch,
  type MeshObject,
  type PolicyTarget,
  type PolicyTargetReference,
  selects,
} from "@heddle/model";
import type { Claims } from "../engine/claims.ts";
import type { ProxyDescription } from "../proxy.ts";
import type { ModelIndex } from "./index-of.ts";
import { Multimap } from "./multimap.ts";
import { Tracked } from "./tracked.ts";

/** Of a proxy, what policies may choose it by. */
export type Targeted = Pick<ProxyDescription, "namespace" | "labels" | "type">;

export class PoliciesByTarget<Spec extends PolicyTarget> implements ModelIndex {
  readonly kinds: readonly string[];
  readonly #rootNamespace: string;
  readonly #byNamespace: Multimap<MeshObject<Spec>>;
  readonly #inNamespace: Tracked<readonly MeshObject<Spec>[]>;

  /** `kind` is `group/Kind`; `order` is that of the policies of one namespace. */
  constructor(
    claims: Claims,
    rootNamespace: string,
    kind: string,
    order: (a: MeshObject<Spec>, b: MeshObject<Spec>) => number,
  ) {
    this.kinds = [kind];
    this.#rootNamespace = rootNamespace;
    this.#byNamespace = new Multimap(order);
    this.#inNamespace = new Tracked(claims, (namespace) => this.#byNamespace.get(namespace));
  }

  /** The root namespace's first, then the proxy's own. */
  choosing(proxy: Targeted): readonly MeshObject<Spec>[] {
    const root = this.#rootNamespace;
    return [...new Set([root, proxy.namespace])].flatMap((namespace) =>
      this.#inNamespace
        .read(namespace)
        .filter(({ spec, metadata }) => isChosen(spec, metadata.namespace, proxy, root)),
    );
  }

  change(before: MeshObject<Spec> | undefined, after: MeshObject<Spec> | undefined): void {
    for (const [policy, verb] of [
      [before, "remove"],
      [after, "add"],
    ] as const) {
      if (policy === undefined) continue;
      this.#byNamespace[verb](policy.metadata.namespace, policy);
      this.#inNamespace.touch(policy.metadata.namespace);
    }
  }

  flush(): void {
    this.#inNamespace.flush();
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
