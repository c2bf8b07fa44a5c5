/** Waits until something serves. */
import { setTimeout as sleep } from "node:timers/promises";
import { CliError } from "../output/cli-error.ts";

const POLL_MS = 50;

/** Resolves at the first answer with a status below 400; fails with HDL9044 after `withinMs`, or when `signal` says so. */
export async function waitForHttp(
  url: string,
  { withinMs, signal }: { withinMs: number; signal?: AbortSignal | undefined },
): Promise<void> {
  const deadline = Date.now() + withinMs;
  let last = "no answer yet";
  while (Date.now() < deadline) {
    signal?.throwIfAborted();
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
      await response.arrayBuffer();
      if (response.status < 400) return;
      last = `status ${response.status}`;
    } catch (error) {
      last = ((error as Error).cause as Error | undefined)?.message ?? (error as Error).message;
    }
    await sleep(POLL_MS);
  }
  throw new CliError(
    "HDL9044",
    `${url} does not serve after ${withinMs / 1000} s: ${last}.`,
    "Look into the logs folder named above.",
  );
}
