/** Postgres over TCP, from Node and from the Worker's sockets. */
import postgres from "postgres";
import type { Connection, Driver } from "./driver.ts";

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database` */
  readonly url: string;
  /** Most connections at a time; 10 unless told. */
  readonly connections?: number;
}

/** What is under way when the driver is closed has so long to end, milliseconds. */
const CLOSE_WITHIN = 5_000;

/** Connects at first need. */
export function postgresDriver(options: PostgresOptions): Driver {
  const client = postgres(options.url, {
    max: options.connections ?? 10,
    connect_timeout: 10,
    // Without it, `reserve` never resolves on a new connection (postgres.js 3.4.9).
    fetch_types: true,
    onnotice: () => {},
    connection: { application_name: "heddle" },
  });
  // Values pass as Drizzle made them: text for dates and JSON.
  const same = (value: unknown) => value as string;
  for (const type of DATES) client.options.parsers[type] = same;
  for (const type of [...DATES, ...JSONS]) client.options.serializers[type] = same;
  let leased = 0;
  let allReturned = () => {};
  return {
    kind: "postgres",
    async lease(work) {
      leased++;
      try {
        const reserved = await client.reserve();
        try {
          return await work(connection(reserved));
        } finally {
          reserved.release();
        }
      } finally {
        leased--;
        if (leased === 0) allReturned();
      }
    },
    async close() {
      // A connection that is reserved when `end` comes stays open until the time-out (postgres.js 3.4.9), also when it is
      // released at once; a Worker closes while the commit of what it has answered is under way.
      await new Promise<void>((resolve) => {
        if (leased === 0) return resolve();
        const timer = setTimeout(resolve, CLOSE_WITHIN);
        allReturned = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      await client.end({ timeout: CLOSE_WITHIN / 1000 });
    },
  };
}

/** date, time, timestamp, timestamptz. */
const DATES = [1082, 1083, 1114, 1184];
const JSONS = [114, 3802];

function connection(reserved: postgres.ReservedSql): Connection {
  const query = (text: string, params: readonly unknown[]) =>
    reserved.unsafe(text, params as postgres.ParameterOrJSON<never>[], { prepare: true });
  return {
    rows: async (text, params) => [...(await query(text, params).values())] as unknown[][],
    records: async (text, params) => [...(await query(text, params))] as Record<string, unknown>[],
    script: async (text) => {
      await reserved.unsafe(text).simple();
    },
    // A connection whose rollback fails is closed by then, and postgres.js replaces it.
    discard: () => {},
  };
}
