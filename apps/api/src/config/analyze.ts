/** Analysis without a write: of the mesh as it is, or as it would be after a request. */
import type { ApiDiagnostic, ApplyRequest } from "@heddle/client";
import type { MeshRecord } from "../deps.ts";
import { admit, storedForm } from "./admission.ts";
import { findingsOf, newFindings } from "./analysis.ts";
import type { ApplyContext } from "./apply.ts";
import { contested, reportedOf } from "./cluster-view.ts";
import { changesTo, stateAfter, type Wanted } from "./commit.ts";
import { read } from "./reading.ts";
import { hostedOwner } from "./state.ts";

/** Findings never refuse here: errors of parsing stand among them. */
export async function analyzeRequest(
  context: ApplyContext,
  mesh: MeshRecord,
  request: ApplyRequest,
): Promise<ApiDiagnostic[]> {
  const { state, cluster } = await read(context, mesh);
  const view = {
    strict: request.strict ?? false,
    force: request.force ?? false,
    settings: mesh.settings,
    cluster,
  };
  const { objects, diagnostics } = await admit(request);
  const deleted = request.delete ?? [];
  if (objects.size === 0 && deleted.length === 0) {
    if (diagnostics.length > 0) return [...diagnostics];
    const entries = [...state.entries.values()];
    const own = [...findingsOf(state, view), ...contested(cluster, entries)];
    return [...own, ...reportedOf(cluster, own)];
  }
  const now = new Date(context.deps.clock());
  const wanted = new Map<string, Wanted>(deleted.map((key) => [key, null]));
  for (const [key, { object }] of objects)
    wanted.set(key, { ...(await storedForm(object, state, now)), owner: hostedOwner });
  const next = stateAfter(state, changesTo(state, wanted), state.revision + 1);
  return [...diagnostics, ...newFindings(state, next, new Set(wanted.keys()), objects, view)];
}
