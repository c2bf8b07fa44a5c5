import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { postgresDriver } from "../drivers/postgres.ts";
import { startPostgres, type RealPostgres } from "../testing/real-postgres.ts";
import { migrate } from "./migrate.ts";
import { readMigrations } from "./migrations.ts";

describe("migrate", () => {
  let server: RealPostgres;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.stop());

  it("applies each migration once, however many start at the same moment", async () => {
    const url = await server.database("together");
    const drivers = Array.from({ length: 6 }, () => postgresDriver({ url }));
    const applied = await Promise.all(drivers.map((driver) => migrate(driver, readMigrations())));
    expect(applied.flat()).toEqual(readMigrations().map(({ number }) => number));
    await Promise.all(drivers.map((driver) => driver.close()));
  });

  it("goes on from a database of an earlier version", async () => {
    const driver = postgresDriver({ url: await server.database("later") });
    const first = { number: 0, name: "a", hash: "1", statements: ["create table a (n integer)"] };
    const second = { number: 1, name: "b", hash: "2", statements: ["create table b (n integer)"] };
    expect(await migrate(driver, [first])).toEqual([0]);
    expect(await migrate(driver, [first, second])).toEqual([1]);
    expect(await migrate(driver, [first, second])).toEqual([]);
    await expect(migrate(driver, [first])).rejects.toMatchObject({ code: "HDL1061" });
    await expect(migrate(driver, [{ ...first, hash: "x" }, second])).rejects.toThrow(
      /Migration 0 \(a\)/,
    );
    await driver.close();
  });

  it("leaves nothing of a migration that fails", async () => {
    const driver = postgresDriver({ url: await server.database("broken") });
    const broken = {
      number: 0,
      name: "a",
      hash: "1",
      statements: ["create table a (n integer)", "create nonsense"],
    };
    await expect(migrate(driver, [broken])).rejects.toMatchObject({ code: "42601" });
    const rows = await driver.lease((c) =>
      c.rows("select to_regclass('a'), to_regclass('heddle_migrations')", []),
    );
    expect(rows).toEqual([[null, null]]);
    await driver.close();
  });
});
