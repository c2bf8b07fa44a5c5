/** When connections are ended that were made before somebody was revoked, remembered from one start to the next. */
import { z } from "zod";
import type { AgentLog } from "../log.ts";
import { keptFile } from "../state/kept-file.ts";
import type { StateDirectory } from "../state/state-directory.ts";

export const SEVERED = "severed.json";

/**
 * Proxies are given the new roots first, and this much time, milliseconds: a handshake by the old ones would else make a
 * connection that nothing ends any more.
 */
const AFTER_ROOTS = 1_000;

export interface Severed {
  /** Connections from before this revocation are to end; nothing happens where they were ended already. */
  sever(revocation: string): void;
  close(): Promise<void>;
}

/** `set` is told of the one that is remembered before this resolves. */
export async function createSevered(
  directory: StateDirectory,
  set: (revocation: string) => void,
  log: AgentLog,
): Promise<Severed> {
  const file = keptFile(directory, SEVERED, z.string(), {
    failed: (error) =>
      log.error("HDL7212: the last revocation could not be written", { error: String(error) }),
  });
  let last = await file.load();
  if (last !== undefined) set(last);
  let timer: NodeJS.Timeout | undefined;
  return {
    sever(revocation) {
      if (revocation === last) return;
      last = revocation;
      clearTimeout(timer);
      timer = setTimeout(() => {
        log.info("connections from before a revocation are ended", { revocation });
        set(revocation);
        file.keep(() => revocation);
      }, AFTER_ROOTS);
    },
    async close() {
      clearTimeout(timer);
      await file.settled();
    },
  };
}
