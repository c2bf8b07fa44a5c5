/** The WorkloadEntry that stands for a machine which registers itself, with the notes that Istio makes on one. */
import {
  accountOfGroup,
  groupOfEntry,
  labelsOfGroup,
  type MeshObject,
  type WorkloadGroup,
} from "@heddle/model";
import type { KubernetesClient, KubernetesObject, Place } from "../kubernetes/client.ts";
import type { Machine } from "./machine.ts";

/** Istio's: the group, the replica that the machine is connected to, and since when; or since when it is gone. */
const GROUP = "istio.io/autoRegistrationGroup";
const CONTROLLER = "istio.io/workloadController";
const CONNECTED_AT = "istio.io/connectedAt";
const DISCONNECTED_AT = "istio.io/disconnectedAt";
/** What the machine calls itself; also that the entry is an agent's, and no istiod's or anybody else's. */
const MACHINE = "heddle.dev/machine";

/** What is noted on an entry. */
export interface Registration {
  readonly machine: string;
  readonly controller: string;
  readonly connectedAt: string | undefined;
  readonly disconnectedAt: string | undefined;
}

export type Annotated = {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
};

/** Undefined for an entry that no agent has made. */
export function registrationOf({ metadata }: Annotated): Registration | undefined {
  const { annotations = {} } = metadata;
  const { [MACHINE]: machine, [CONTROLLER]: controller } = annotations;
  if (machine === undefined || controller === undefined) return undefined;
  const { [CONNECTED_AT]: connectedAt, [DISCONNECTED_AT]: disconnectedAt } = annotations;
  return { machine, controller, connectedAt, disconnectedAt };
}

/** Whether some control plane has made it for a machine of the group, this one's agents or an istiod. */
export function isRegistered(entry: Annotated, group: string): boolean {
  const { annotations = {} } = entry.metadata;
  return annotations[GROUP] === group && annotations[CONTROLLER] !== undefined;
}

export function isOfGroup(entry: MeshObject<unknown>, namespace: string, group: string): boolean {
  return entry.metadata.namespace === namespace && groupOfEntry(entry) === group;
}

export function placeOfEntries(apiVersion: string, namespace: string): Place {
  return { apiVersion, plural: "workloadentries", namespace };
}

/** `owner`: uid of the group where it is an object of the cluster, with which Kubernetes removes the entry. */
export function registeredEntry(
  machine: Machine,
  group: MeshObject<WorkloadGroup>,
  owner: string | undefined,
  { controller, connectedAt }: { readonly controller: string; readonly connectedAt: string },
): KubernetesObject {
  const { apiVersion, kind, metadata, spec } = group;
  const labels = labelsOfGroup(spec);
  const locality = spec.template.locality || machine.locality;
  return {
    apiVersion,
    kind: "WorkloadEntry",
    metadata: {
      name: machine.entry,
      namespace: machine.namespace,
      labels,
      annotations: {
        [GROUP]: machine.group,
        [MACHINE]: machine.name,
        [CONTROLLER]: controller,
        [CONNECTED_AT]: connectedAt,
      },
      ...(owner === undefined
        ? {}
        : {
            ownerReferences: [
              { apiVersion, kind, name: metadata.name, uid: owner, controller: true },
            ],
          }),
    },
    spec: {
      ...spec.template,
      address: machine.address,
      ...(Object.keys(labels).length > 0 ? { labels } : {}),
      ...(locality === "" ? {} : { locality }),
      serviceAccount: accountOfGroup(spec),
    },
  };
}

/** `wanted` in the place of what stands there: what others have noted on it stays. */
export function laidOver(there: KubernetesObject, wanted: KubernetesObject): KubernetesObject {
  const { [DISCONNECTED_AT]: _, ...noted } = there.metadata.annotations ?? {};
  return {
    ...there,
    metadata: {
      ...there.metadata,
      ...wanted.metadata,
      annotations: { ...noted, ...wanted.metadata.annotations },
    },
    spec: wanted["spec"],
  };
}

/** As it was read: one that somebody has written since stays, and that is a conflict. False where nobody has stored it. */
export async function removeEntry(
  client: Pick<KubernetesClient, "remove">,
  { apiVersion, metadata }: KubernetesObject,
  signal: AbortSignal,
): Promise<boolean> {
  const { name, namespace = "", uid, resourceVersion } = metadata;
  if (uid === undefined || resourceVersion === undefined) return false;
  const preconditions = { uid, resourceVersion };
  await client.remove(placeOfEntries(apiVersion, namespace), name, { preconditions }, signal);
  return true;
}

/** With the note that its machine is gone since then. */
export function disconnected(there: KubernetesObject, at: string): KubernetesObject {
  const { [CONNECTED_AT]: _, ...noted } = there.metadata.annotations ?? {};
  return {
    ...there,
    metadata: { ...there.metadata, annotations: { ...noted, [DISCONNECTED_AT]: at } },
  };
}
