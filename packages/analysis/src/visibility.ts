/** Whether some namespace sees two objects at once. */
import type { MeshObject } from "@heddle/model";

type Exported = MeshObject<{ readonly exportTo?: readonly string[] }>;

export function seenTogether(a: Exported, b: Exported): boolean {
  const [seersOfA, seersOfB] = [seers(a), seers(b)];
  if (seersOfA === "everyone" || seersOfB === "everyone") return true;
  return seersOfA.some((namespace) => seersOfB.includes(namespace));
}

function seers({ metadata, spec }: Exported): "everyone" | readonly string[] {
  const { exportTo = [] } = spec;
  if (exportTo.length === 0 || exportTo.includes("*")) return "everyone";
  return exportTo.map((namespace) => (namespace === "." ? metadata.namespace : namespace));
}
