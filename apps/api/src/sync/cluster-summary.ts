/** What the agents of a mesh report of their clusters: services, workloads and the objects that are owned there. */
import { agents, asc, eq } from "@heddle/db";
import type {
  AgentFrame,
  DiagnosticReport,
  OwnedReport,
  ServiceReport,
  WorkloadReport,
} from "@heddle/sync";
import type { AppDeps, MeshRef } from "../deps.ts";

/** One agent's whole summary, as it is stored. */
export interface AgentSummary {
  readonly hash: string;
  readonly services: readonly ServiceReport[];
  readonly workloads: readonly WorkloadReport[];
  readonly objects: readonly OwnedReport[];
  readonly diagnostics: readonly DiagnosticReport[];
}

export interface ClusterSummary {
  /** By host; the first agent's word, by name, where several have one. */
  readonly services: readonly ServiceReport[];
  readonly workloads: readonly WorkloadReport[];
  /** `owner` is `cluster:<agent>`. */
  readonly objects: readonly (OwnedReport & { readonly owner: string })[];
  readonly diagnostics: readonly (DiagnosticReport & { readonly agent: string })[];
}

/** Everything that the mesh's agents last reported, connected or not. */
export async function clusterSummary(
  deps: Pick<AppDeps, "db">,
  mesh: MeshRef,
): Promise<ClusterSummary> {
  const rows = await deps.db.withTenant(mesh.tenant, (tx) =>
    tx
      .select({ name: agents.name, summary: agents.summary })
      .from(agents)
      .where(eq(agents.meshId, mesh.id))
      .orderBy(asc(agents.name)),
  );
  const services = new Map<string, ServiceReport>();
  const workloads = new Map<string, WorkloadReport>();
  const objects: (OwnedReport & { owner: string })[] = [];
  const diagnostics: (DiagnosticReport & { agent: string })[] = [];
  for (const { name, summary } of rows as { name: string; summary: AgentSummary | null }[]) {
    if (!summary) continue;
    for (const service of summary.services)
      if (!services.has(service.host)) services.set(service.host, service);
    for (const workload of summary.workloads) {
      const id = `${workload.namespace}/${workload.name}`;
      const other = workloads.get(id);
      workloads.set(id, other ? { ...other, pods: other.pods + workload.pods } : workload);
    }
    objects.push(...summary.objects.map((object) => ({ ...object, owner: `cluster:${name}` })));
    diagnostics.push(...summary.diagnostics.map((diagnostic) => ({ ...diagnostic, agent: name })));
  }
  return {
    services: [...services.values()],
    workloads: [...workloads.values()],
    objects,
    diagnostics,
  };
}

type SummaryFrame = Extract<AgentFrame, { type: "summary" }>;

/** Puts the parts of each agent's summary together; answers with the whole when the last has come. */
export function createSummaryAssembly(): (
  agent: string,
  frame: SummaryFrame,
) => AgentSummary | undefined {
  const pending = new Map<string, { hash: string; parts: Map<number, SummaryFrame> }>();
  return (agent, frame) => {
    let parts = pending.get(agent);
    if (!parts || parts.hash !== frame.hash)
      pending.set(agent, (parts = { hash: frame.hash, parts: new Map() }));
    parts.parts.set(frame.part, frame);
    if (parts.parts.size < frame.parts) return undefined;
    pending.delete(agent);
    const all = [...parts.parts.values()].toSorted((a, b) => a.part - b.part);
    return {
      hash: frame.hash,
      services: all.flatMap(({ services }) => services),
      workloads: all.flatMap(({ workloads }) => workloads),
      objects: all.flatMap(({ objects }) => objects),
      diagnostics: all.flatMap(({ diagnostics }) => diagnostics),
    };
  };
}
