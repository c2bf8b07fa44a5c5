/** `--mesh-config FILE` of offline commands. */
import type { MeshConfig } from "../offline/mesh-config.ts";
import { readInput } from "./input.ts";

/** Undefined where the option was not given. HDL9030 where there is no such file. */
export async function meshConfigIn(name: string | undefined): Promise<MeshConfig | undefined> {
  if (name === undefined) return undefined;
  const [{ readMeshConfig }, [file]] = await Promise.all([
    import("../offline/mesh-config.ts"),
    readInput([name]),
  ]);
  return file && readMeshConfig(file);
}
