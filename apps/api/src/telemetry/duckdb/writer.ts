/** The one writer of the store: deliveries that wait together are one transaction, and each is acknowledged when it is on disk. */

import type { DuckDBConnection } from "@duckdb/node-api";
import { StoreError } from "../store-error.ts";
import type { Checkpoint } from "./checkpoint.ts";
import type { BatchId, TelemetryBatch, TelemetryScope, WriteResult } from "../telemetry-store.ts";
import {
  appendRows,
  latencyRows,
  logRow,
  metricRow,
  requestRow,
  spanRow,
  type Row,
  type RowTable,
} from "./rows.ts";
import { storeChanges, type Dictionary, type DictionaryChanges } from "./series.ts";

/** Rows that may wait; beyond them a sender is asked to come back. */
export const maximumWaitingRows = 400_000;
/** Rows of one transaction, so that the first of many senders is not kept waiting for all. */
const transactionRows = 50_000;

interface Delivery {
  scope: TelemetryScope;
  batch: TelemetryBatch;
  id: BatchId | undefined;
  rows: number;
  resolve(result: WriteResult): void;
  reject(error: unknown): void;
}

export interface Writer {
  write(scope: TelemetryScope, batch: TelemetryBatch, id?: BatchId): Promise<WriteResult>;
  /** Runs other statements of the writing connection between two transactions. */
  exclusively<T>(work: (connection: DuckDBConnection) => Promise<T>): Promise<T>;
  /** Writes what waits; later writes are refused. */
  close(): Promise<void>;
}

export function createWriter(
  connection: DuckDBConnection,
  dictionary: Dictionary,
  clock: () => number,
  checkpoint: Checkpoint,
): Writer {
  let waiting: Delivery[] = [];
  let waitingRows = 0;
  let closed = false;
  let turn: Promise<unknown> = Promise.resolve();
  let running = false;

  return {
    write(scope, batch, id) {
      if (closed)
        return Promise.reject(new StoreError("HDL5104", "The telemetry store is closed."));
      const rows =
        (batch.requests?.length ?? 0) +
        (batch.metrics?.length ?? 0) +
        (batch.spans?.length ?? 0) +
        (batch.logs?.length ?? 0);
      if (waitingRows + rows > maximumWaitingRows && waiting.length > 0) {
        return Promise.reject(
          new StoreError(
            "HDL5103",
            `${waitingRows} rows wait to be written. Send the batch again in a few seconds.`,
          ),
        );
      }
      return new Promise((resolve, reject) => {
        waiting.push({ scope, batch, id, rows, resolve, reject });
        waitingRows += rows;
        void drain();
      });
    },
    exclusively,
    async close() {
      closed = true;
      while (running || waiting.length > 0) await exclusively(() => Promise.resolve());
    },
  };

  function exclusively<T>(work: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
    const result = turn.then(() => work(connection));
    turn = result.catch(() => undefined);
    return result;
  }

  async function drain(): Promise<void> {
    if (running) return;
    running = true;
    try {
      while (waiting.length > 0) {
        const group = takeGroup();
        await exclusively(async () => {
          await settle(group);
          await checkpoint(connection);
        });
      }
    } finally {
      running = false;
    }
  }

  function takeGroup(): Delivery[] {
    let rows = 0;
    let length = 0;
    while (
      length < waiting.length &&
      (length === 0 || rows + waiting[length]!.rows <= transactionRows)
    )
      rows += waiting[length++]!.rows;
    const group = waiting.slice(0, length);
    waiting = waiting.slice(length);
    waitingRows -= rows;
    return group;
  }

  /** One bad delivery must not fail its neighbours: a group that fails is written one by one. */
  async function settle(group: Delivery[]): Promise<void> {
    try {
      const results = await transaction(group);
      group.forEach((delivery, index) => delivery.resolve(results[index]!));
    } catch (error) {
      if (group.length === 1) group[0]!.reject(error);
      else for (const delivery of group) await settle([delivery]);
    }
  }

  async function transaction(group: readonly Delivery[]): Promise<WriteResult[]> {
    const changes: DictionaryChanges = { scopes: [], series: [] };
    await connection.run("BEGIN");
    try {
      const results: WriteResult[] = [];
      const rows: Record<RowTable, Row[]> = {
        requests: [],
        latencies: [],
        metrics: [],
        spans: [],
        logs: [],
      };
      for (const delivery of group) {
        const scope = dictionary.scopeOf(delivery.scope, changes);
        const stored = delivery.id === undefined || (await advance(scope, delivery.id));
        if (stored) collect(rows, scope, delivery.batch, changes);
        results.push({ stored });
      }
      await storeChanges(connection, changes);
      for (const table of Object.keys(rows) as RowTable[])
        await appendRows(connection, table, rows[table]);
      await connection.run("COMMIT");
      return results;
    } catch (error) {
      dictionary.forget(changes);
      await connection.run("ROLLBACK").catch(() => undefined);
      throw error;
    }
  }

  /** Moves the stream's mark; false where the batch lies behind it. */
  async function advance(scope: number, id: BatchId): Promise<boolean> {
    const values = { scope, stream: id.stream, number: BigInt(id.number), seen: BigInt(clock()) };
    const moved = await connection.runAndReadAll(
      `INSERT INTO streams VALUES ($scope, $stream, $number, $seen)
       ON CONFLICT DO UPDATE SET number = excluded.number, seen = excluded.seen WHERE streams.number < excluded.number RETURNING number`,
      values,
    );
    return moved.currentRowCount > 0;
  }

  function collect(
    rows: Record<RowTable, Row[]>,
    scope: number,
    batch: TelemetryBatch,
    changes: DictionaryChanges,
  ): void {
    for (const point of batch.requests ?? []) {
      const series = dictionary.seriesOf(scope, point.labels, changes);
      rows.requests.push(requestRow(scope, series, point));
      for (const row of latencyRows(scope, series, point)) rows.latencies.push(row);
    }
    for (const point of batch.metrics ?? []) rows.metrics.push(metricRow(scope, point));
    for (const span of batch.spans ?? []) rows.spans.push(spanRow(scope, span));
    for (const entry of batch.logs ?? []) rows.logs.push(logRow(scope, entry));
  }
}
