/** Waits for a part of a cluster, and says which one failed with the end of its log. */
import { connect } from "node:net";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CliError } from "../../../apps/cli/src/output/cli-error.ts";
import { lastWords, recorded } from "./recorded.ts";

const POLL_MS = 100;
/** A machine that is busy with other things may take minutes for what else takes seconds. */
const COMES_UP_WITHIN_MS = 180_000;
const CLOSED_WITHIN_MS = 10_000;
const CLOSED_POLL_MS = 50;

/** Resolved by undefined when it is there; else by what it lacks, for the message. */
type Lacking = () => Promise<string | undefined>;

/** Throws HDL9072 as soon as any part has ended, or when `part` is not there in time. `log` is of whom the log says why. */
export async function comesUp(
  state: string,
  part: string,
  log: string,
  lacking: Lacking,
): Promise<void> {
  const deadline = Date.now() + COMES_UP_WITHIN_MS;
  for (;;) {
    const lack = await lacking();
    if (lack === undefined) return;
    const ended = recorded(state).find(({ running }) => !running);
    if (ended)
      throw failure(state, `${ended.name} has ended while ${part} was waited for`, ended.name);
    if (Date.now() > deadline)
      throw failure(
        state,
        `${part} is not there after ${COMES_UP_WITHIN_MS / 1000} s: ${lack}`,
        log,
      );
    await sleep(POLL_MS);
  }
}

/** After a process was killed: it counts as gone before all its threads are, and with the last of them what it had open. */
export async function nobodyListens(host: string, port: number): Promise<void> {
  const listens = () =>
    new Promise<boolean>((resolve) => {
      const socket = connect({ host, port }, () => {
        socket.destroy();
        resolve(true);
      });
      socket.on("error", () => resolve(false));
    });
  for (let left = CLOSED_WITHIN_MS / CLOSED_POLL_MS; left > 0 && (await listens()); left--)
    await sleep(CLOSED_POLL_MS);
}

function failure(state: string, what: string, log: string): CliError {
  return new CliError(
    "HDL9072",
    `${what}.\n${lastWords(state, log)}`,
    `All logs are in ${path.join(state, "logs")}; \`./heddle --run cluster down\` removes what is left.`,
  );
}
