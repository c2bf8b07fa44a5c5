/** The dictionary of label sets and of scopes: each is stored once and stands in rows as a number. */

import type { DuckDBConnection } from "@duckdb/node-api";
import { requestLabels, type RequestLabels } from "@heddle/telemetry";
import type { TelemetryScope } from "../telemetry-store.ts";

export interface Series {
  id: number;
  scope: number;
  labels: RequestLabels;
}

/** What a write added to the dictionary, to be stored with it or forgotten with it. */
export interface DictionaryChanges {
  scopes: { id: number; scope: TelemetryScope }[];
  series: Series[];
}

export interface Dictionary {
  /** The scope's number, or undefined where nothing was ever written to it. */
  findScope(scope: TelemetryScope): number | undefined;
  scopeOf(scope: TelemetryScope, changes: DictionaryChanges): number;
  seriesOf(scope: number, labels: RequestLabels, changes: DictionaryChanges): number;
  series(id: number): Series | undefined;
  /** Takes back what a failed write had added. */
  forget(changes: DictionaryChanges): void;
}

export async function loadDictionary(connection: DuckDBConnection): Promise<Dictionary> {
  const scopes = new Map<string, number>();
  const ids = new Map<string, number>();
  const byId = new Map<number, Series>();
  let nextScope = 1;
  let nextSeries = 1;

  for (const [id, tenant, mesh] of (
    await connection.runAndReadAll("SELECT id, tenant, mesh FROM scopes")
  ).getRowsJS()) {
    scopes.set(scopeKey({ tenant: String(tenant), mesh: String(mesh) }), Number(id));
    nextScope = Math.max(nextScope, Number(id) + 1);
  }
  const columns = requestLabels.join(", ");
  for (const [id, scope, ...values] of (
    await connection.runAndReadAll(`SELECT id, scope, ${columns} FROM series`)
  ).getRowsJS()) {
    const labels = Object.fromEntries(
      requestLabels.map((name, index) => [name, String(values[index])]),
    ) as RequestLabels;
    remember({ id: Number(id), scope: Number(scope), labels });
    nextSeries = Math.max(nextSeries, Number(id) + 1);
  }

  return {
    findScope: (scope) => scopes.get(scopeKey(scope)),
    scopeOf(scope, changes) {
      const key = scopeKey(scope);
      let id = scopes.get(key);
      if (id === undefined) {
        id = nextScope++;
        scopes.set(key, id);
        changes.scopes.push({ id, scope });
      }
      return id;
    },
    seriesOf(scope, labels, changes) {
      const found = ids.get(seriesKey(scope, labels));
      if (found !== undefined) return found;
      const series = { id: nextSeries++, scope, labels };
      remember(series);
      changes.series.push(series);
      return series.id;
    },
    series: (id) => byId.get(id),
    forget(changes) {
      for (const { scope } of changes.scopes) scopes.delete(scopeKey(scope));
      for (const series of changes.series) {
        ids.delete(seriesKey(series.scope, series.labels));
        byId.delete(series.id);
      }
    },
  };

  function remember(series: Series): void {
    ids.set(seriesKey(series.scope, series.labels), series.id);
    byId.set(series.id, series);
  }
}

export async function storeChanges(
  connection: DuckDBConnection,
  changes: DictionaryChanges,
): Promise<void> {
  if (changes.scopes.length > 0) {
    const appender = await connection.createAppender("scopes");
    for (const { id, scope } of changes.scopes) {
      appender.appendInteger(id);
      appender.appendVarchar(scope.tenant);
      appender.appendVarchar(scope.mesh);
      appender.endRow();
    }
    appender.closeSync();
  }
  if (changes.series.length > 0) {
    const appender = await connection.createAppender("series");
    for (const { id, scope, labels } of changes.series) {
      appender.appendInteger(id);
      appender.appendInteger(scope);
      for (const name of requestLabels) appender.appendVarchar(labels[name]);
      appender.endRow();
    }
    appender.closeSync();
  }
}

function scopeKey(scope: TelemetryScope): string {
  return JSON.stringify([scope.tenant, scope.mesh]);
}

function seriesKey(scope: number, labels: RequestLabels): string {
  let key = String(scope);
  for (const name of requestLabels) key += `\u0000${labels[name]}`;
  return key;
}
