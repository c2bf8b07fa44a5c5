/** The mesh that the console is about: the address's, else the one last looked at, else the first. */
import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { useEffect } from "react";
import { meshesQuery } from "../data/queries.ts";

const KEY = "heddle.mesh";

/** Name of the mesh; undefined until the list of meshes is there, or where there is none. */
export function useCurrentMesh(): string | undefined {
  const named = useParams({ strict: false }).mesh;
  const { data } = useQuery(meshesQuery());
  useEffect(() => {
    if (named !== undefined) localStorage.setItem(KEY, named);
  }, [named]);
  if (named !== undefined) return named;
  const last = localStorage.getItem(KEY);
  return data?.find((mesh) => mesh.name === last)?.name ?? data?.[0]?.name;
}
