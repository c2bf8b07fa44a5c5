/** Keeps configuration and fleet fresh: every event of the mesh makes the queries that it touches ask again. */
import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { followEvents } from "./event-stream.ts";
import { plane } from "./plane.ts";

export function useMeshEvents(mesh: string | undefined): void {
  const client = useQueryClient();
  useEffect(() => {
    if (mesh === undefined) return;
    return followEvents(plane.eventsPath(mesh), {}, ({ event }) => {
      if (event === "ping") return;
      void client.invalidateQueries({ queryKey: [mesh, "fleet"] });
      void client.invalidateQueries({ queryKey: ["meshes"] });
      // A new revision changes objects too; an acknowledgement only how far revisions have come.
      const touched = event === "revision" ? [mesh, "config"] : [mesh, "config", "revisions"];
      void client.invalidateQueries({ queryKey: touched });
    });
  }, [mesh, client]);
}
