/** Keeps configuration and fleet fresh: every event of the mesh makes the queries that it touches ask again. */
import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { follow } from "./plane.ts";

/** Events come in bursts while a revision spreads; questions are asked at most this often. */
const GATHER_MS = 250;

export function useMeshEvents(mesh: string | undefined): void {
  const queries = useQueryClient();
  useEffect(() => {
    if (mesh === undefined) return;
    const seen = new Set<string>();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const refresh = (): void => {
      timer = undefined;
      // A new revision changes objects too; an acknowledgement only how far revisions have come.
      const config = seen.has("revision") ? [mesh, "config"] : [mesh, "config", "revisions"];
      seen.clear();
      for (const queryKey of [["meshes"], [mesh, "fleet"], config]) {
        void queries.invalidateQueries({ queryKey });
      }
    };
    const stop = follow(
      (plane, signal) => plane.events(mesh, signal),
      ({ event }) => {
        seen.add(event);
        timer ??= setTimeout(refresh, GATHER_MS);
      },
    );
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [mesh, queries]);
}
