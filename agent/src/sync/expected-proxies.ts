/** Which proxies were connected when the agent last ran: until they are back, nobody can say that all hold a revision. */
import { z } from "zod";
import type { AgentLog } from "../log.ts";
import type { StateDirectory } from "../state/state-directory.ts";

/** Proxies of an agent that was away come back within so long, milliseconds; the rest have gone for good. */
const BACK_WITHIN = 30_000;
/** The connected proxies are written down at most this often, and the first change this soon, milliseconds. */
const WRITTEN_EVERY = 1_000;
const WRITTEN_WITHIN = 50;
const FILE = "proxies.json";
const namesSchema = z.array(z.string());

export interface ExpectedProxies {
  /** Names of those that were there before and are not among these. */
  missing(connected: Iterable<string>): string[];
  /** These are connected now; written down behind the caller. */
  connected(names: Iterable<string>): void;
  /** Calls back when those that are missing are given up. */
  onGivenUp(listener: () => void): void;
  close(): Promise<void>;
}

/** Where the file is missing or no good, nobody is expected. */
export async function expectProxies(
  directory: StateDirectory,
  log: AgentLog,
  backWithin = BACK_WITHIN,
): Promise<ExpectedProxies> {
  let expected = new Set(await readNames(directory));
  let listener = () => {};
  const giveUp = setTimeout(() => {
    expected = new Set();
    listener();
  }, backWithin);
  giveUp.unref();

  let newest: readonly string[] = [...expected];
  let written = JSON.stringify(newest.toSorted());
  let timer: NodeJS.Timeout | undefined;
  let writtenAt = -Infinity;
  let writing: Promise<void> = Promise.resolve();
  const write = () => {
    timer = undefined;
    const text = JSON.stringify([...new Set([...newest, ...expected])].toSorted());
    if (text === written) return;
    written = text;
    writtenAt = performance.now();
    writing = writing
      .then(() => directory.write(FILE, text))
      .catch((error: unknown) =>
        log.warn("HDL7212: the names of the proxies could not be written", {
          error: String(error),
        }),
      );
  };
  return {
    missing(connected) {
      if (expected.size === 0) return [];
      const here = new Set(connected);
      return [...expected].filter((name) => !here.has(name));
    },
    connected(names) {
      newest = [...names];
      // Who has come back once is expected no longer: what it does now is seen.
      for (const name of newest) expected.delete(name);
      const due = writtenAt + WRITTEN_EVERY - performance.now();
      timer ??= setTimeout(write, Math.max(WRITTEN_WITHIN, due));
    },
    onGivenUp: (given) => void (listener = given),
    async close() {
      clearTimeout(giveUp);
      if (timer) {
        clearTimeout(timer);
        write();
      }
      await writing;
    },
  };
}

async function readNames(directory: StateDirectory): Promise<string[]> {
  try {
    return namesSchema.parse(JSON.parse((await directory.read(FILE)) ?? "[]"));
  } catch {
    return [];
  }
}
