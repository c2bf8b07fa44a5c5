/** Which WorkloadEntries have a probe, by their group, and which machine an entry stands for. */
import {
  groupOfEntry,
  type MeshObject,
  type ReadinessProbe,
  type WorkloadEntry,
  type WorkloadGroup,
} from "@heddle/model";
import type { ProxyDescription } from "@heddle/translate";

export interface ProbedEntry {
  /** `namespace/name`. */
  readonly entry: string;
  readonly namespace: string;
  readonly name: string;
  readonly address: string;
  readonly probe: ReadinessProbe;
}

/** By `namespace/name`. Groups whose probe runs a command are refused before they come here, and count as without one. */
export function probedEntries(objects: Iterable<MeshObject>): ReadonlyMap<string, ProbedEntry> {
  const entries: MeshObject<WorkloadEntry>[] = [];
  const probes = new Map<string, ReadinessProbe>();
  for (const object of objects) {
    const { namespace, name } = object.metadata;
    if (object.kind === "WorkloadEntry") entries.push(object as MeshObject<WorkloadEntry>);
    if (object.kind !== "WorkloadGroup") continue;
    const { probe } = (object as MeshObject<WorkloadGroup>).spec;
    if (probe?.httpGet || probe?.tcpSocket || probe?.grpc)
      probes.set(`${namespace}/${name}`, probe);
  }
  const found = new Map<string, ProbedEntry>();
  for (const each of entries) {
    const { namespace, name } = each.metadata;
    const probe = probes.get(`${namespace}/${groupOfEntry(each) ?? ""}`);
    if (probe === undefined) continue;
    const entry = `${namespace}/${name}`;
    found.set(entry, { entry, namespace, name, address: each.spec.address ?? "", probe });
  }
  return found;
}

/** By one of the proxy's addresses, or by its name where the mesh knows the machine under another address than it does itself. */
export function isOf(
  { namespace, name, address }: ProbedEntry,
  proxy: Pick<ProxyDescription, "namespace" | "addresses" | "pod">,
): boolean {
  return (
    namespace === proxy.namespace &&
    (proxy.addresses.includes(address) || (name !== "" && name === proxy.pod))
  );
}
