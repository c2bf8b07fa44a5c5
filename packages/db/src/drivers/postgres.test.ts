import { afterAll, beforeAll, expect, it } from "vitest";
import { type RealPostgres, startPostgres } from "../testing/real-postgres.ts";
import { postgresDriver } from "./postgres.ts";

let server: RealPostgres;
let url: string;

beforeAll(async () => {
  server = await startPostgres();
  url = await server.database("closing");
});
afterAll(() => server.stop());

it("closes its connections as soon as what is under way has ended", async () => {
  const driver = postgresDriver({ url, connections: 2 });
  const slow = driver.lease((connection) => connection.rows("select pg_sleep(0.3), 'done'", []));
  await driver.lease((connection) => connection.script("select 1"));
  const began = performance.now();
  await driver.close();
  expect(performance.now() - began).toBeLessThan(2_000);
  expect((await slow)[0]?.[1]).toBe("done");
  const watcher = postgresDriver({ url: server.url, connections: 1 });
  const left = () =>
    watcher.lease((connection) =>
      connection.rows("select pid from pg_stat_activity where datname = 'closing'", []),
    );
  await expect.poll(left).toEqual([]);
  await watcher.close();
});
