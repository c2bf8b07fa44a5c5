/** Dashboards of meshes; the first is shown to whoever opens Grafana. */
import { AGENTS } from "./agents.ts";
import type { Dashboard } from "./dashboard.ts";
import { MESH } from "./mesh.ts";
import { SERVICE } from "./service.ts";
import { WORKLOAD } from "./workload.ts";

export const DASHBOARDS: readonly Dashboard[] = [MESH, SERVICE, WORKLOAD, AGENTS];
