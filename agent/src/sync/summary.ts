/** What goes up of the cluster: services, workloads and names of the objects owned there. Never a Secret, never a spec. */
import {
  type Diagnostic,
  type EndpointSlice,
  endpointsOf,
  kindOf,
  type MeshObject,
  type MutualTlsModes,
  mutualTlsModes,
  type PeerAuthentication,
  type Pod,
  type Service,
  serviceHost,
  serviceNameOf,
  serviceOf,
  workloadOfPod,
} from "@heddle/model";
import {
  type AgentFrame,
  canonicalJson,
  type DiagnosticReport,
  MAX_REASON_CHARACTERS,
  type MutualTlsReport,
  type OwnedReport,
  partsOf,
  type ServiceReport,
  sha256,
  type WorkloadReport,
} from "@heddle/sync";
import type { MergedModel } from "../sources/merge.ts";

export interface Summary {
  readonly hash: string;
  readonly services: readonly ServiceReport[];
  readonly workloads: readonly WorkloadReport[];
  readonly objects: readonly OwnedReport[];
  readonly diagnostics: readonly DiagnosticReport[];
}

/** `sourceOf` says where an object was read, `file:line`. */
export async function summarize(
  model: MergedModel,
  {
    clusterDomain,
    rootNamespace,
  }: { readonly clusterDomain: string; readonly rootNamespace: string },
  diagnostics: readonly Diagnostic[],
  sourceOf: (key: string) => string | undefined,
): Promise<Summary> {
  const services: ServiceReport[] = [];
  const objects: OwnedReport[] = [];
  const pods: MeshObject<Pod>[] = [];
  const slices: MeshObject<EndpointSlice>[] = [];
  const policies: MeshObject<PeerAuthentication>[] = [];
  for (const [key, owner, object] of model.entries()) {
    // Its own cluster's agent tells of it.
    if (owner === "elsewhere") continue;
    if (object.kind === "Service" && object.apiVersion === "v1")
      services.push(serviceReport(object as MeshObject<Service>, clusterDomain));
    else if (object.kind === "Pod") pods.push(object as MeshObject<Pod>);
    else if (object.kind === "EndpointSlice") slices.push(object as MeshObject<EndpointSlice>);
    else if (object.kind === "PeerAuthentication")
      policies.push(object as MeshObject<PeerAuthentication>);
    if (owner !== "cluster" || kindOf(object.apiVersion, object.kind)?.foreign !== false) continue;
    const source = sourceOf(key);
    objects.push({ key, ...(source === undefined ? {} : { source }) });
  }
  const content = {
    services: services.toSorted((a, b) => (a.host < b.host ? -1 : 1)),
    workloads: workloadReports(
      pods,
      hostsByPod(pods, slices, clusterDomain),
      modesBy(policies, rootNamespace),
    ),
    objects: objects.toSorted((a, b) => (a.key < b.key ? -1 : 1)),
    diagnostics: diagnostics.slice(0, MAX_DIAGNOSTICS).map(diagnosticReport),
  };
  return { hash: await sha256(canonicalJson(content)), ...content };
}

/** More than anybody reads; the agent's log and `/debug/diagnostics` have all. */
const MAX_DIAGNOSTICS = 500;
/** Hosts named for one workload; the protocol takes a few more. */
const MAX_HOSTS = 100;

function serviceReport(object: MeshObject<Service>, clusterDomain: string): ServiceReport {
  const { host, name, namespace, ports } = serviceOf(object, { clusterDomain });
  return {
    host,
    name,
    namespace,
    ports: ports
      .slice(0, 200)
      .map(({ name: portName, port, protocol }) => ({ name: portName, port, protocol })),
  };
}

function workloadReports(
  pods: readonly MeshObject<Pod>[],
  hosts: ReadonlyMap<string, readonly string[]>,
  modesOf: (pod: MeshObject<Pod>) => MutualTlsModes,
): WorkloadReport[] {
  const reports = new Map<string, WorkloadReport>();
  for (const pod of pods) {
    const { workload, namespace, app, version, serviceAccount, labels } = workloadOfPod(pod);
    const id = `${namespace}/${workload}`;
    const known = reports.get(id);
    const own = hosts.get(`${pod.metadata.namespace}/${pod.metadata.name}`) ?? [];
    reports.set(id, {
      name: workload,
      namespace,
      app,
      version,
      serviceAccount,
      pods: (known?.pods ?? 0) + 1,
      services: [...new Set([...(known?.services ?? []), ...own])].toSorted().slice(0, MAX_HOSTS),
      labels,
      mtls: mtlsReport(modesOf(pod)),
    });
  }
  return [...reports.entries()]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, report]) => report);
}

/** Of a pod only what its own namespace and the mesh say is looked at. */
function modesBy(
  policies: readonly MeshObject<PeerAuthentication>[],
  rootNamespace: string,
): (pod: MeshObject<Pod>) => MutualTlsModes {
  const byNamespace = Map.groupBy(policies, ({ metadata }) => metadata.namespace);
  return ({ metadata }) => {
    const near = [...new Set([rootNamespace, metadata.namespace])];
    return mutualTlsModes(
      near.flatMap((namespace) => byNamespace.get(namespace) ?? []),
      { ...metadata, rootNamespace },
    );
  };
}

function mtlsReport({ mode, ports }: MutualTlsModes): MutualTlsReport {
  const own = [...ports].map(([port, decided]) => [port, decided.mode] as const);
  return { mode, ports: Object.fromEntries(own.filter(([, other]) => other !== mode)) };
}

function hostsByPod(
  pods: readonly MeshObject<Pod>[],
  slices: readonly MeshObject<EndpointSlice>[],
  clusterDomain: string,
): Map<string, string[]> {
  const byName = new Map(
    pods.map((pod) => [`${pod.metadata.namespace}/${pod.metadata.name}`, pod]),
  );
  const byAddress = new Map(
    pods.flatMap((pod) => (pod.spec.status?.podIP ? [[pod.spec.status.podIP, pod] as const] : [])),
  );
  const lookup = {
    byName: (namespace: string, name: string) => byName.get(`${namespace}/${name}`),
    byAddress: (address: string) => byAddress.get(address),
  };
  const hosts = new Map<string, string[]>();
  for (const slice of slices) {
    const service = serviceNameOf(slice);
    if (!service) continue;
    const host = serviceHost(service, slice.metadata.namespace, clusterDomain);
    for (const { namespace, pod } of endpointsOf(slice, lookup)) {
      if (!pod) continue;
      const key = `${namespace}/${pod}`;
      hosts.set(key, [...(hosts.get(key) ?? []), host]);
    }
  }
  return hosts;
}

function diagnosticReport({
  code,
  level,
  message,
  origin,
  reference,
  remedy,
}: Diagnostic): DiagnosticReport {
  return {
    code,
    level,
    message: message.slice(0, MAX_REASON_CHARACTERS),
    origin: origin.slice(0, 1024),
    ...(reference === undefined ? {} : { reference: reference.slice(0, 1024) }),
    ...(remedy === undefined ? {} : { remedy: remedy.slice(0, MAX_REASON_CHARACTERS) }),
  };
}

/** The summary in frames of at most 64 KiB; at least one, so that an empty cluster is known to be so. */
export function summaryFrames({
  hash,
  services,
  workloads,
  objects,
  diagnostics,
}: Summary): AgentFrame[] {
  type Part = Omit<Extract<AgentFrame, { type: "summary" }>, "type" | "hash" | "part" | "parts">;
  const none: Part = { services: [], workloads: [], objects: [], diagnostics: [] };
  const parts: Part[] = [
    ...partsOf(services).map((items) => ({ ...none, services: items })),
    ...partsOf(workloads).map((items) => ({ ...none, workloads: items })),
    ...partsOf(objects).map((items) => ({ ...none, objects: items })),
    ...partsOf(diagnostics).map((items) => ({ ...none, diagnostics: items })),
  ];
  if (parts.length === 0) parts.push(none);
  return parts.map((content, part) => ({
    type: "summary",
    hash,
    part,
    parts: parts.length,
    ...content,
  }));
}
