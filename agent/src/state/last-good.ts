/** The last good state of the mesh on disk: a snapshot, and the change bundles since, verified again when read. */
import {
  acceptContent,
  canonicalJson,
  emptyState,
  type MeshState,
  snapshotOf,
  SyncError,
} from "@heddle/sync";
import type { AgentLog } from "../log.ts";
import type { StateDirectory } from "./state-directory.ts";

/** Change bundles in the journal before it is folded into the snapshot. */
const JOURNAL_LENGTH = 64;
const SNAPSHOT = "snapshot.json";
const JOURNAL = "journal.ndjson";

export interface LastGood {
  /** What was in force when the agent last ran; the empty state where nothing was, or nothing that the key signed. */
  load(expected: { mesh: string; verifier: CryptoKey }): Promise<MeshState>;
  /**
   * Keeps a state that was reached by this bundle. Writes happen one after another behind the caller; where the disk
   * refuses, `failed` hears of it once, and the next write tries to put down everything.
   */
  keep(
    state: MeshState,
    bundle: {
      readonly text: string;
      readonly kind: "change" | "snapshot";
      readonly signature: string;
    },
  ): void;
  /** Resolves when all is written that will be. */
  settled(): Promise<void>;
}

export function createLastGood(
  directory: StateDirectory,
  log: AgentLog,
  failed: (error: unknown) => void = () => {},
): LastGood {
  let journaled = 0;
  // After a failure the files may end in half a line: the next write starts them anew.
  let sound = false;
  let working: Promise<void> = Promise.resolve();
  let newest: { state: MeshState; signature: string } | undefined;

  const writeSnapshot = async (text: string) => {
    await directory.write(SNAPSHOT, text);
    await directory.remove(JOURNAL);
    journaled = 0;
    sound = true;
  };
  return {
    async load(expected) {
      const snapshot = await directory.read(SNAPSHOT);
      const journal = (await directory.read(JOURNAL)) ?? "";
      let state = emptyState;
      let whole = true;
      // The last line is without its end where the machine stopped in the midst of it.
      const lines = journal
        .slice(0, journal.lastIndexOf("\n") + 1)
        .split("\n")
        .slice(0, -1);
      for (const text of snapshot === undefined ? lines : [snapshot, ...lines]) {
        try {
          ({ state } = await acceptContent(state, text, expected));
        } catch (error) {
          if (!(error instanceof SyncError)) throw error;
          // Lines that the snapshot already holds stay behind where the machine stopped between the two writes.
          if (error.code === "HDL7007") continue;
          whole = false;
          log.warn("the state on disk is good only up to here", {
            revision: state.header?.number ?? 0,
            code: error.code,
            error: error.message,
          });
          break;
        }
      }
      sound = whole && snapshot !== undefined && journal.endsWith("\n") === lines.length > 0;
      journaled = lines.length;
      return state;
    },
    keep(state, { text, kind, signature }) {
      newest = { state, signature };
      const own = newest;
      working = working.then(async () => {
        try {
          if (kind === "change" && sound && journaled < JOURNAL_LENGTH) {
            journaled++;
            await directory.append(JOURNAL, `${text}\n`);
          } else if (own === newest)
            await writeSnapshot(
              kind === "snapshot" ? text : canonicalJson(snapshotOf(state, signature)),
            );
          else sound = false;
        } catch (error) {
          sound = false;
          failed(error);
        }
      });
    },
    async settled() {
      await working;
    },
  };
}
