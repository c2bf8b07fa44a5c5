/** There is one MeshSettings: a second one would be in effect nowhere. */
import { MESH_SETTINGS_NAME } from "../kinds/mesh-settings.ts";
import type { Report } from "./report.ts";

export function checkMeshSettings(name: string, report: Report): void {
  if (name === MESH_SETTINGS_NAME) return;
  report({
    code: "HDL0017",
    path: "metadata.name",
    message: `"${name}" cannot name a MeshSettings: a mesh has one, and it is named "${MESH_SETTINGS_NAME}"`,
    remedy: `Name it ${MESH_SETTINGS_NAME}.`,
  });
}
