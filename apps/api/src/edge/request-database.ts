/** A database for a Worker, where a connection belongs to the request that opened it. */
import { AsyncLocalStorage } from "node:async_hooks";
import { createDatabase, type Database, type Driver } from "@heddle/db";

export interface RequestDatabase {
  readonly db: Database;
  /** Runs `work` with a driver of its own, opened at first need. `end` closes it, once the answer is under way. */
  run<T>(work: () => T): { readonly result: T; end(): Promise<void> };
}

/** One app serves all requests of an isolate; each request's queries go over its own connection. */
export function requestDatabase(kind: Driver["kind"], open: () => Driver): RequestDatabase {
  const scope = new AsyncLocalStorage<{ driver: Driver | undefined }>();
  const db = createDatabase({
    kind,
    lease(work) {
      const held = scope.getStore();
      if (!held) throw new Error("A Worker's database is used outside of a request.");
      held.driver ??= open();
      return held.driver.lease(work);
    },
    close: () => Promise.resolve(),
  });
  return {
    db,
    run(work) {
      const held: { driver: Driver | undefined } = { driver: undefined };
      const result = scope.run(held, work);
      return {
        result,
        async end() {
          await held.driver?.close();
        },
      };
    },
  };
}

/** A database for a Durable Object, which wakes and sleeps between its transactions: each has a connection of its own. */
export function transactionDatabase(kind: Driver["kind"], open: () => Driver): Database {
  return createDatabase({
    kind,
    async lease(work) {
      const driver = open();
      try {
        return await driver.lease(work);
      } finally {
        await driver.close();
      }
    },
    close: () => Promise.resolve(),
  });
}
