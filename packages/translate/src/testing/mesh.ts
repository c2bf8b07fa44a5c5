/** The settings of a mesh for tests that do not care about them. */
import { MESH_DEFAULTS, type MeshSettings } from "../mesh-settings.ts";

export const ANY_MESH: MeshSettings = { ...MESH_DEFAULTS, name: "test" };
