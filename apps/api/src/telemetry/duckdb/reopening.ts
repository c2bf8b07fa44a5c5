/** A store that lives on after DuckDB gave its file up, as it does where a checkpoint finds no space: it is closed and opened again. */

import type { TelemetryStore } from "../telemetry-store.ts";

/** How long to leave a file alone that could not be opened again, milliseconds. */
const pauseMs = 1_000;

/** DuckDB's word for a database of which it takes nothing more until it is opened anew; what was committed is in its files. */
const GIVEN_UP = /^FATAL Error|database has been invalidated/;

/** Calls of the store that `open` resolves with. A call that finds it given up fails; those that follow find it open again, or why it is not. */
export async function reopening(
  open: () => Promise<TelemetryStore>,
  clock: () => number,
): Promise<TelemetryStore> {
  let store: Promise<TelemetryStore> = Promise.resolve(await open());
  let failedAt: number | undefined;
  let closed = false;

  async function run<T>(work: (store: TelemetryStore) => Promise<T>): Promise<T> {
    if (!closed && failedAt !== undefined && clock() - failedAt >= pauseMs) begin(open());
    const current = store;
    try {
      return await work(await current);
    } catch (error) {
      if (!closed && current === store && isGivenUp(error)) begin(again(current));
      throw error;
    }
  }

  function begin(opening: Promise<TelemetryStore>): void {
    failedAt = undefined;
    store = opening;
    opening.catch(() => {
      if (store === opening) failedAt = clock();
    });
  }

  async function again(broken: Promise<TelemetryStore>): Promise<TelemetryStore> {
    await broken.then((given) => given.close()).catch(() => undefined);
    return open();
  }

  return {
    write: (...args) => run((own) => own.write(...args)),
    graph: (...args) => run((own) => own.graph(...args)),
    services: (...args) => run((own) => own.services(...args)),
    workloads: (...args) => run((own) => own.workloads(...args)),
    series: (...args) => run((own) => own.series(...args)),
    traces: (...args) => run((own) => own.traces(...args)),
    trace: (...args) => run((own) => own.trace(...args)),
    traceServices: (...args) => run((own) => own.traceServices(...args)),
    traceOperations: (...args) => run((own) => own.traceOperations(...args)),
    logs: (...args) => run((own) => own.logs(...args)),
    arrivals: (...args) => run((own) => own.arrivals(...args)),
    unprovenCallers: (...args) => run((own) => own.unprovenCallers(...args)),
    expire: (...args) => run((own) => own.expire(...args)),
    status: () => run((own) => own.status()),
    async close() {
      closed = true;
      const own = await store.catch(() => undefined);
      await own?.close();
    },
  };
}

function isGivenUp(error: unknown): boolean {
  return error instanceof Error && GIVEN_UP.test(error.message);
}
