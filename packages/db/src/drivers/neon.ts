/** Neon's serverless driver: Postgres over WebSocket, for the Worker. */
import { neonConfig, Pool, types, type PoolClient } from "@neondatabase/serverless";
import type { Connection, Driver } from "./driver.ts";

export interface NeonOptions {
  readonly url: string;
  readonly connections?: number;
  /** `host:port/path` of a WebSocket proxy in front of a Postgres that is not Neon's. */
  readonly proxy?: string;
}

/** Connects at first need. In a Worker, make one driver per request and close it: sockets belong to the request. */
export function neonDriver(options: NeonOptions): Driver {
  const { proxy } = options;
  if (proxy !== undefined) {
    neonConfig.wsProxy = (host, port) => `${proxy}?address=${host}:${port}`;
    neonConfig.useSecureWebSocket = false;
    neonConfig.pipelineTLS = false;
    neonConfig.pipelineConnect = false;
  }
  const pool = new Pool({ connectionString: options.url, max: options.connections ?? 5 });
  return {
    kind: "neon",
    async lease(work) {
      const client = await pool.connect();
      let broken = false;
      try {
        return await work(connection(client, () => (broken = true)));
      } finally {
        client.release(broken);
      }
    },
    close: () => pool.end(),
  };
}

function connection(client: PoolClient, discard: () => void): Connection {
  return {
    rows: async (text, values) =>
      (await client.query({ text, values: [...values], rowMode: "array", types: parsers })).rows,
    records: async (text, values) =>
      (await client.query({ text, values: [...values], types: parsers })).rows as Record<
        string,
        unknown
      >[],
    script: async (text) => {
      await client.query(text);
    },
    discard,
  };
}

/** date, time, timestamp, timestamptz stay text. */
const DATES = new Set<number>([1082, 1083, 1114, 1184]);

const parsers = {
  getTypeParser: ((oid: number, format?: "text") =>
    DATES.has(oid)
      ? (value: string) => value
      : types.getTypeParser(oid, format)) as typeof types.getTypeParser,
};
