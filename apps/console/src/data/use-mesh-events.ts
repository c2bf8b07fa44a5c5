/** Keeps configuration and fleet fresh: every event of the mesh makes the queries that it touches ask again. */
import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { follow } from "./plane.ts";

export function useMeshEvents(mesh: string | undefined): void {
  const queries = useQueryClient();
  useEffect(() => {
    if (mesh === undefined) return;
    return follow(
      (plane, signal) => plane.events(mesh, signal),
      ({ event }) => {
        if (event === "ping") return;
        void queries.invalidateQueries({ queryKey: [mesh, "fleet"] });
        void queries.invalidateQueries({ queryKey: ["meshes"] });
        // A new revision changes objects too; an acknowledgement only how far revisions have come.
        const touched = event === "revision" ? [mesh, "config"] : [mesh, "config", "revisions"];
        void queries.invalidateQueries({ queryKey: touched });
      },
    );
  }, [mesh, queries]);
}
