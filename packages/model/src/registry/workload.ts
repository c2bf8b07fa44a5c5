/** What a pod says of itself: workload, app, version, canonical service, identity, locality. */
import type { MeshObject } from "../object.ts";
import type { Pod } from "../kinds/kubernetes.ts";
import type { WorkloadEndpoint, WorkloadLocality } from "./types.ts";

type Labels = Readonly<Record<string, string>>;

export interface WorkloadOptions {
  /** The cluster that the pod runs in. */
  readonly clusterId?: string;
  /** The network of workloads that do not say theirs. */
  readonly network?: string;
}

// As Istio's tools write them; the order is the order of preference.
const NAME_LABELS = ["service.istio.io/canonical-name", "app.kubernetes.io/name", "app"];
const REVISION_LABELS = [
  "service.istio.io/canonical-revision",
  "app.kubernetes.io/version",
  "version",
];
const SIDECARS: ReadonlySet<string> = new Set(["istio-proxy", "heddle-proxy"]);
const TIMED_JOB = /^(.+)-\d{8,10}$/;

/** The workload of a pod, without any one of its ports (port 0). */
export function workloadOfPod(
  pod: MeshObject<Pod>,
  options: WorkloadOptions = {},
): WorkloadEndpoint {
  const { metadata, spec } = pod;
  const workload = workloadName(pod);
  return {
    address: spec.status?.podIP ?? "",
    port: 0,
    portName: "",
    ready: isReady(spec),
    labels: metadata.labels,
    namespace: metadata.namespace,
    pod: metadata.name,
    workload,
    ...canonicalOf(metadata.labels, workload),
    serviceAccount: spec.serviceAccountName ?? "default",
    clusterId: options.clusterId ?? "",
    locality: localityOf(metadata.labels, undefined),
    ...(spec.nodeName ? { nodeName: spec.nodeName } : {}),
    ...networkOf(undefined, metadata.labels, options),
    mtls: takesMutualTls(pod),
    weight: 1,
  };
}

/** What a workload's labels call it. */
export function canonicalOf(
  labels: Labels,
  workload: string,
): Pick<WorkloadEndpoint, "app" | "version" | "canonicalService" | "canonicalRevision"> {
  return {
    app: firstOf(labels, ["app", "app.kubernetes.io/name"]) ?? "",
    version: firstOf(labels, ["version", "app.kubernetes.io/version"]) ?? "",
    canonicalService: firstOf(labels, NAME_LABELS) ?? workload,
    canonicalRevision: firstOf(labels, REVISION_LABELS) ?? "latest",
  };
}

/**
 * Name of what made the pod: the label `service.istio.io/workload-name`, else the Deployment of its ReplicaSet, the
 * CronJob of its Job, any other controller, else the pod's own name.
 */
export function workloadName(pod: Pick<MeshObject, "metadata">): string {
  const { labels, name } = pod.metadata;
  const told = labels["service.istio.io/workload-name"];
  if (told) return told;
  const owners = pod.metadata.ownerReferences ?? [];
  const owner = owners.find((reference) => reference.controller === true) ?? owners[0];
  if (!owner) return name;
  if (owner.kind === "ReplicaSet") {
    const hash = labels["pod-template-hash"] ?? labels["rollouts-pod-template-hash"];
    if (hash && owner.name.endsWith(`-${hash}`)) return owner.name.slice(0, -hash.length - 1);
  }
  if (owner.kind === "ReplicationController" && labels["deploymentconfig"]) {
    return labels["deploymentconfig"];
  }
  if (owner.kind === "Job") return TIMED_JOB.exec(owner.name)?.[1] ?? owner.name;
  return owner.name;
}

/** A sidecar stands in front of the pod, or it says that it speaks the mesh's TLS itself. */
export function takesMutualTls(pod: MeshObject<Pod>): boolean {
  if (pod.metadata.labels["security.istio.io/tlsMode"] === "istio") return true;
  const { containers = [], initContainers = [] } = pod.spec;
  return [...containers, ...initContainers].some((container) => SIDECARS.has(container.name));
}

/** Region, zone and subzone from a pod's labels; `zone` is what its EndpointSlice says. */
export function localityOf(labels: Labels, zone: string | undefined): WorkloadLocality | undefined {
  const told = labels["istio-locality"];
  if (told) {
    const [region = "", area = "", subzone = ""] = told.split(told.includes("/") ? "/" : ".");
    return { region, zone: area, subzone };
  }
  const locality = {
    region: labels["topology.kubernetes.io/region"] ?? "",
    zone: labels["topology.kubernetes.io/zone"] ?? zone ?? "",
    subzone: labels["topology.istio.io/subzone"] ?? "",
  };
  const known = locality.region || locality.zone || locality.subzone;
  return known ? locality : undefined;
}

const NETWORK_LABEL = "topology.istio.io/network";

/** What is said of the workload itself goes before its label, and that before what is said of its cluster. */
export function networkOf(
  told: string | undefined,
  labels: Labels,
  options: WorkloadOptions = {},
): Pick<WorkloadEndpoint, "network"> {
  const network = told || labels[NETWORK_LABEL] || options.network;
  return network ? { network } : {};
}

function isReady(pod: Pod): boolean {
  const condition = pod.status?.conditions?.find(({ type }) => type === "Ready");
  return condition ? condition.status === "True" : (pod.status?.phase ?? "Running") === "Running";
}

function firstOf(labels: Labels, names: readonly string[]): string | undefined {
  const name = names.find((candidate) => labels[candidate] !== undefined);
  return name === undefined ? undefined : labels[name];
}
