/** Whether a pod is to have a proxy: what its namespace and it itself say, as Istio's webhooks read it. */
import { ISTIO_REVISION_LABEL, REVISION_LABEL } from "@heddle/model";
import type { PodTemplate } from "./pod.ts";

/** Labels of the namespace that the pod is made in. */
export interface InjectionNamespace {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface InjectionPolicy {
  /** The revision that this injector stands for, as `istio.io/rev` names it. */
  readonly revision: string;
  /** Whether it also stands for what names no revision: `istio-injection: enabled`, `sidecar.istio.io/inject: "true"`. */
  readonly isDefault: boolean;
  /** Pods that say nothing are injected, whatever their namespace says: somebody asked for these very pods. */
  readonly asked?: boolean;
}

/** Why a pod has no proxy put into it. */
export type NotInjected =
  | "host network"
  | "system namespace"
  | "already injected"
  | "pod says no"
  | "namespace says no"
  | "nobody asked"
  | "another revision"
  /** Something is wrong with what the pod asks for; the findings say what. */
  | "invalid";

/** Injecting what the cluster itself needs to run would keep it from starting. */
export const SYSTEM_NAMESPACES: ReadonlySet<string> = new Set([
  "kube-system",
  "kube-public",
  "kube-node-lease",
  "local-path-storage",
]);

export const INJECT = "sidecar.istio.io/inject";
export const OWN_INJECT = "heddle.dev/inject";
const NAMESPACE_INJECT = "istio-injection";
const OWN_NAMESPACE_INJECT = "heddle.dev/injection";

/** Undefined where the pod is to have a proxy. */
export function whyNot(
  pod: PodTemplate,
  namespace: InjectionNamespace,
  policy: InjectionPolicy,
): Exclude<NotInjected, "already injected" | "invalid"> | undefined {
  // iptables would be those of the node.
  if (pod.spec?.hostNetwork === true) return "host network";
  if (SYSTEM_NAMESPACES.has(namespace.name)) return "system namespace";
  const { labels: podLabels = {}, annotations = {} } = pod.metadata ?? {};
  const { labels = {} } = namespace;
  // The label is the newer API and has the word; ours before Istio's.
  const label = podLabels[OWN_INJECT] ?? podLabels[INJECT];
  const said = label ?? annotations[INJECT];
  if (said !== undefined && said !== "" && !isYes(said)) return "pod says no";
  if (policy.asked === true) return undefined;
  // A namespace that says no is not overruled by its pods. Our own words mean us, whoever else is the default.
  const own = labels[OWN_NAMESPACE_INJECT];
  if (own !== undefined) return own === "enabled" ? undefined : "namespace says no";
  const byNamespace = labels[NAMESPACE_INJECT];
  if (byNamespace !== undefined && byNamespace !== "enabled") return "namespace says no";
  if (byNamespace !== undefined) return policy.isDefault ? undefined : "another revision";
  const revision =
    labels[REVISION_LABEL] ??
    labels[ISTIO_REVISION_LABEL] ??
    podLabels[REVISION_LABEL] ??
    podLabels[ISTIO_REVISION_LABEL];
  if (revision !== undefined) return revision === policy.revision ? undefined : "another revision";
  if (podLabels[OWN_INJECT] !== undefined) return undefined;
  // An annotation alone does not bring a pod to the webhook.
  if (label !== undefined) return policy.isDefault ? undefined : "another revision";
  return "nobody asked";
}

/** YAML 1.1's words for true, in any case. */
function isYes(text: string): boolean {
  return ["y", "yes", "true", "on"].includes(text.toLowerCase());
}
