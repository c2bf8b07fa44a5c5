/** The kinds of objects that are made for Gateways, where the API server has them, and how one is told from others. */
import { OWN_LABELS } from "@heddle/kube";
import { type MeshObject } from "@heddle/model";
import type { KubernetesObject, Place } from "../kubernetes/client.ts";

export interface MadeKind {
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
}

export const MADE_KINDS: readonly MadeKind[] = [
  { apiVersion: "v1", kind: "ServiceAccount", plural: "serviceaccounts" },
  { apiVersion: "v1", kind: "Service", plural: "services" },
  { apiVersion: "apps/v1", kind: "Deployment", plural: "deployments" },
  {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    plural: "horizontalpodautoscalers",
  },
  { apiVersion: "policy/v1", kind: "PodDisruptionBudget", plural: "poddisruptionbudgets" },
];

/** What another controller says of what it made, where it is Istio's. */
const BY_ISTIO = "gateway.istio.io/managed";

/** As the agent applies it: people's labels do not take away its own. */
export function marked(object: object): KubernetesObject {
  const { metadata, ...rest } = object as KubernetesObject;
  return {
    ...rest,
    metadata: { ...metadata, labels: { ...metadata.labels, ...OWN_LABELS } },
  } as KubernetesObject;
}

/** Whether an object that is there already, and is not marked, may be taken over for the Gateway. */
export function isForGateway(
  { labels = {}, ownerReferences }: KubernetesObject["metadata"],
  { metadata: { name, uid } }: MeshObject,
  nameLabel: string,
): boolean {
  if (labels[BY_ISTIO] !== undefined) return false;
  const owners = (ownerReferences ?? []) as readonly { readonly uid?: string }[];
  return (
    labels[nameLabel] === name || (uid !== undefined && owners.some((each) => each.uid === uid))
  );
}

export function placeOf(kind: MadeKind, namespace: string): Place {
  return { apiVersion: kind.apiVersion, plural: kind.plural, namespace };
}

/** Throws for what is not among `MADE_KINDS`: a programming error. */
export function kindOfMade({ kind }: { readonly kind: string }): MadeKind {
  const found = MADE_KINDS.find((each) => each.kind === kind);
  if (!found) throw new TypeError(`no ${kind} is made for Gateways`);
  return found;
}

/** `Deployment/namespace/name` */
export function idOf(kind: string, namespace: string, name: string): string {
  return `${kind}/${namespace}/${name}`;
}
