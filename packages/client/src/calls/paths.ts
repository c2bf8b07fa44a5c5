/** Addresses below a mesh. */

export function inMesh(mesh: string, rest = ""): string {
  return `/v1/meshes/${encodeURIComponent(mesh)}${rest}`;
}

/** The path of an object by its key, `group/Kind/namespace/name`. */
export function objectPath(mesh: string, key: string): string {
  return inMesh(mesh, `/objects/${key.split("/").map(encodeURIComponent).join("/")}`);
}
