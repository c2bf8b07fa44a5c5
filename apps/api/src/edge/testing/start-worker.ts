/** For tests: a Worker under workerd, on a port of its own. */
import { unstable_startWorker } from "wrangler";

export interface RunningWorker {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Bundles and starts what a wrangler configuration describes. Not by `createTestHarness`: its outgoing requests go through
 * Node's fetch, which opens no WebSocket, and Neon's driver needs one.
 */
export async function startWorker(
  config: string,
  vars: Readonly<Record<string, string>>,
): Promise<RunningWorker> {
  const worker = await unstable_startWorker({
    config,
    bindings: Object.fromEntries(
      Object.entries(vars).map(([name, value]) => [name, { type: "plain_text" as const, value }]),
    ),
    dev: {
      server: { hostname: "127.0.0.1", port: 0 },
      logLevel: "error",
      watch: false,
      persist: false,
      inspector: false,
    },
  });
  await worker.ready;
  return { url: (await worker.url).origin, close: () => worker.dispose() };
}
