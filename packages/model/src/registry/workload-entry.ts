/** What a WorkloadEntry says of its workload, with what its WorkloadGroup says for all of its kind. */
import type { MeshObject, ObjectMetadata } from "../object.ts";
import type { WorkloadEntry } from "../kinds/workload-entry.ts";
import type { WorkloadGroup } from "../kinds/workload-group.ts";
import type { WorkloadEndpoint } from "./types.ts";
import { canonicalOf, localityOf, networkOf } from "./workload.ts";
import type { WorkloadOptions } from "./workload.ts";

/** Istio's annotation on entries that a workload has registered itself. */
const GROUP = "istio.io/autoRegistrationGroup";
const DEFAULT_ACCOUNT = "default";
const TLS_MODE = "security.istio.io/tlsMode";

/** Name of the group in the entry's namespace that it belongs to, by its owner or as Istio notes it. */
export function groupOfEntry({ metadata }: Pick<MeshObject, "metadata">): string | undefined {
  const owner = metadata.ownerReferences?.find(({ kind }) => kind === "WorkloadGroup");
  return owner?.name ?? metadata.annotations[GROUP];
}

/** Of the workloads of a group. */
export function labelsOfGroup({ template, metadata }: WorkloadGroup): Record<string, string> {
  return { ...template.labels, ...metadata?.labels };
}

/** The account of a group's workloads; `default` where none is named. */
export function accountOfGroup({ template }: WorkloadGroup): string {
  return template.serviceAccount || DEFAULT_ACCOUNT;
}

/**
 * An entry with all that its group says for it. The entry's own fields come first, labels one by one; of two labels of the
 * entry itself the metadata's comes first, as in Istio. An account that neither names is `default`.
 */
export function withGroup(
  entry: MeshObject<WorkloadEntry>,
  group: MeshObject<WorkloadGroup> | undefined,
): MeshObject<WorkloadEntry> {
  const { metadata, spec } = entry;
  const own = { ...spec.labels, ...metadata.labels };
  if (group === undefined) return { ...entry, metadata: { ...metadata, labels: own } };
  const { template } = group.spec;
  const ports = { ...template.ports, ...spec.ports };
  return {
    ...entry,
    metadata: { ...metadata, labels: { ...labelsOfGroup(group.spec), ...own } },
    spec: {
      ...template,
      ...spec,
      ...(Object.keys(ports).length > 0 ? { ports } : {}),
      serviceAccount: spec.serviceAccount || accountOfGroup(group.spec),
    },
  };
}

/** The workload of an entry that `withGroup` has completed; under its group's name where it has one. */
export function workloadOfEntryObject(
  entry: MeshObject<WorkloadEntry>,
  options: WorkloadOptions = {},
): WorkloadEndpoint {
  return workloadOfEntry(entry.metadata, entry.spec, options, groupOfEntry(entry));
}

/** The workload without any one of its ports (port 0). */
export function workloadOfEntry(
  { name, namespace, labels }: Pick<ObjectMetadata, "name" | "namespace" | "labels">,
  { address = "", serviceAccount = "", locality, network, weight }: WorkloadEntry,
  options: WorkloadOptions = {},
  group?: string,
): WorkloadEndpoint {
  const workload = labels["service.istio.io/workload-name"] ?? group ?? name;
  return {
    address,
    port: 0,
    portName: "",
    ready: true,
    labels,
    namespace,
    pod: "",
    workload,
    ...canonicalOf(labels, workload),
    serviceAccount,
    clusterId: options.clusterId ?? "",
    locality: locality ? placeOf(locality) : localityOf(labels, undefined),
    ...networkOf(network, labels),
    mtls: labels[TLS_MODE] === undefined ? serviceAccount !== "" : labels[TLS_MODE] === "istio",
    weight: weight || 1,
  };
}

/** `region/zone/subzone`; what stands behind a third slash is part of no locality. */
function placeOf(text: string): WorkloadEndpoint["locality"] {
  const [region = "", zone = "", subzone = ""] = text.split("/");
  return { region, zone, subzone };
}
