/** What is installed beside Heddle to look at its meshes with: which there are, and how their objects are marked. */
import { imageIn, type KubernetesObject } from "../install/objects.ts";
import { pulledWith } from "../install/pod-parts.ts";

export const ADDONS = ["prometheus", "grafana"] as const;
export type Addon = (typeof ADDONS)[number];

/** On all objects of an add-on, and whose they are. */
export const ADDON_LABEL = "heddle.dev/addon";
/** Other than Heddle's own: `heddle uninstall` leaves add-ons, and what they have kept, alone. */
export const ADDONS_MANAGER = "heddle-addons";

/** As short as they are usually called, by which Kiali and Flagger look for a mesh's Prometheus too. */
export const PROMETHEUS = "prometheus";
export const GRAFANA = "grafana";
export const PROMETHEUS_PORT = 9090;
export const GRAFANA_PORT = 3000;

/** Of both: where they lie, and where their images are from. */
export interface AddonPlace {
  readonly namespace: string;
  /** Put in front of images' names, such as that of a mirror; empty for the usual one. */
  readonly registry: string;
  readonly pullSecrets: readonly string[];
}

export function addonLabels(addon: Addon): Record<string, string> {
  return {
    "app.kubernetes.io/managed-by": ADDONS_MANAGER,
    "app.kubernetes.io/part-of": ADDONS_MANAGER,
    ...selectorOf(addon),
    [ADDON_LABEL]: addon,
  };
}

/** By which Deployment and Service know its pods; they cannot change later. */
export function selectorOf(addon: Addon): Record<string, string> {
  return { "app.kubernetes.io/name": addon };
}

/** An object of an add-on, in its namespace and under its labels. */
export function addonObject(
  addon: Addon,
  namespace: string,
  kind: Pick<KubernetesObject, "apiVersion" | "kind">,
  name: string,
  fields: Readonly<Record<string, unknown>>,
): KubernetesObject {
  return { ...kind, metadata: { name, namespace, labels: addonLabels(addon) }, ...fields };
}

export interface AddonPod {
  readonly image: string;
  readonly annotations: Readonly<Record<string, string>>;
  /** All of the container but its name and image. */
  readonly container: Readonly<Record<string, unknown>>;
  /** More of the pod's spec. */
  readonly spec: Readonly<Record<string, unknown>>;
}

/** The one pod of an add-on: two at once would write the same data. */
export function addonDeployment(
  addon: Addon,
  { namespace, registry, pullSecrets }: AddonPlace,
  { image, annotations, container, spec }: AddonPod,
): KubernetesObject {
  const kind = { apiVersion: "apps/v1", kind: "Deployment" };
  return addonObject(addon, namespace, kind, addon, {
    spec: {
      replicas: 1,
      strategy: { type: "Recreate" },
      selector: { matchLabels: selectorOf(addon) },
      template: {
        metadata: {
          labels: { ...addonLabels(addon), "sidecar.istio.io/inject": "false" },
          annotations,
        },
        spec: {
          serviceAccountName: addon,
          ...spec,
          containers: [{ name: addon, image: imageIn(image, registry), ...container }],
          ...pulledWith(pullSecrets),
        },
      },
    },
  });
}

export function addonService(addon: Addon, namespace: string, port: number): KubernetesObject {
  return addonObject(addon, namespace, { apiVersion: "v1", kind: "Service" }, addon, {
    spec: {
      type: "ClusterIP",
      selector: selectorOf(addon),
      ports: [{ name: "http", port, targetPort: "http", protocol: "TCP" }],
    },
  });
}
