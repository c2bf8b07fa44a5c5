/** The objects that serve a Gateway, each with what all of them have and with what is patched in it. */
import type { GatewayApi, GatewayPatches, MeshObject, PatchedObject } from "@heddle/model";
import { overlay } from "../overlay.ts";
import type { PodTemplate } from "../pod.ts";
import { INJECT } from "../policy.ts";
import { type Infrastructure, ownersOf } from "./infrastructure.ts";

export interface GatewayParts {
  readonly gateway: MeshObject<GatewayApi.Gateway>;
  /** The name of all but the ServiceAccount. */
  readonly called: string;
  readonly account: string;
  readonly shared: Infrastructure;
  /** The Service's spec. */
  readonly service: object;
  readonly pod: PodTemplate;
  readonly patches: GatewayPatches;
}

/** Says of a pod which kind of proxy it is given: it is done with once the pod is made. */
export const TEMPLATES = "inject.istio.io/templates";

/** In the order in which they are applied. */
export function gatewayObjects(parts: GatewayParts): readonly object[] {
  const { called, account, shared, service, pod, patches } = parts;
  const make = (apiVersion: string, object: Kind, spec?: object): object => {
    const { key, kind } = object;
    const made = {
      apiVersion,
      kind,
      metadata: metadataOf(parts, key === "serviceAccount" ? account : called),
      ...(spec === undefined ? {} : { spec }),
    };
    return patches[key] === undefined ? made : overlay(made, patches[key]);
  };
  const selector = { matchLabels: shared.selector };
  const scaleTargetRef = { apiVersion: "apps/v1", kind: "Deployment", name: called };
  return [
    make("v1", { key: "serviceAccount", kind: "ServiceAccount" }),
    make(
      "apps/v1",
      { key: "deployment", kind: "Deployment" },
      { selector, template: { metadata: podMetadata(pod), spec: pod.spec } },
    ),
    make("v1", { key: "service", kind: "Service" }, service),
    ...(patches.horizontalPodAutoscaler
      ? [
          make(
            "autoscaling/v2",
            { key: "horizontalPodAutoscaler", kind: "HorizontalPodAutoscaler" },
            { scaleTargetRef, maxReplicas: 1 },
          ),
        ]
      : []),
    ...(patches.podDisruptionBudget
      ? [
          make(
            "policy/v1",
            { key: "podDisruptionBudget", kind: "PodDisruptionBudget" },
            { selector },
          ),
        ]
      : []),
  ];
}

interface Kind {
  readonly key: PatchedObject;
  readonly kind: string;
}

function metadataOf({ gateway, shared }: GatewayParts, name: string): object {
  const { labels, annotations } = shared;
  return {
    name,
    namespace: gateway.metadata.namespace,
    ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
    labels,
    ...ownersOf(gateway),
  };
}

/** Made whole here: no webhook is to have a hand in it. */
function podMetadata({ metadata = {} }: PodTemplate): object {
  const { [TEMPLATES]: _, ...annotations } = metadata.annotations ?? {};
  return { labels: { ...metadata.labels, [INJECT]: "false" }, annotations };
}
