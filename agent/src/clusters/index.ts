/** This cluster among the others of its mesh: what it shares with them, and what they share with it. */
import type { AgentFrame, SharingFrame } from "@heddle/sync";
import type { Translator } from "@heddle/translate";
import type { AgentLog } from "../log.ts";
import type { MergedModel, OwnedObject } from "../sources/merge.ts";
import type { StateDirectory } from "../state/state-directory.ts";
import { keepClusters } from "./kept-clusters.ts";
import { createOtherClusters, type OtherClusterStatus } from "./other-clusters.ts";
import { createOwnItems } from "./own-items.ts";
import { createSharing } from "./sharing.ts";

export interface Clusters {
  /** The model may have changed. */
  changed(): void;
  /** The plane greeted. */
  greeted(): void;
  heard(frame: SharingFrame): void;
  status(): ClustersStatus;
  close(): Promise<void>;
}

export interface ClustersStatus {
  /** Items that the others are told of; undefined while nobody else shares the mesh. */
  readonly shared: number | undefined;
  readonly others: readonly OtherClusterStatus[];
}

export interface ClustersParts {
  readonly mesh: string;
  readonly directory: Pick<StateDirectory, "read" | "write">;
  readonly model: Pick<MergedModel, "get" | "ownerOf">;
  readonly translator: Pick<Translator, "own" | "setElsewhere">;
  readonly connected: () => boolean;
  /** Sends while connected. */
  readonly send: (frame: AgentFrame) => void;
  readonly putServices: (changes: ReadonlyMap<string, OwnedObject | undefined>) => void;
  readonly writeFailed: (error: unknown) => void;
  readonly log: AgentLog;
}

/** What was kept on disk is in force when it resolves. */
export async function joinClusters(parts: ClustersParts): Promise<Clusters> {
  const { mesh, directory, model, translator, send, log } = parts;
  const sharing = createSharing(createOwnItems(translator.own, model), send, log);
  const kept = keepClusters(directory, mesh, parts.writeFailed);
  const setElsewhere: Translator["setElsewhere"] = (changes) => translator.setElsewhere(changes);
  const others = createOtherClusters({
    ...{ send, kept, log, setElsewhere },
    ...{ connected: parts.connected, putServices: parts.putServices },
  });
  others.resume(await kept.load());
  return {
    changed: () => sharing.changed(),
    greeted() {
      sharing.lost();
      others.greeted();
    },
    heard: (frame) => (frame.type === "share" ? sharing.asked(frame) : others.heard(frame)),
    status: () => ({ shared: sharing.shared(), others: others.status() }),
    async close() {
      sharing.close();
      others.close();
      await kept.settled();
    },
  };
}
