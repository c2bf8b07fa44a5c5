/** OTLP logs in JSON. */

import type { LogRecord } from "../records.ts";
import { flatten } from "./attributes.ts";
import type { Decoded } from "./decoded.ts";
import { byResource } from "./group.ts";
import {
  anyValue,
  attributes,
  bigint,
  id,
  number,
  object,
  objects,
  parseJson,
  text,
  writeJsonAttributes,
  type Json,
} from "./json-value.ts";
import { severityName, severityNumber } from "./names.ts";

/** Throws CodecError HDL5002 with the JSON path of what is wrong. */
export function decodeLogsJson(body: string): Decoded<LogRecord> {
  const records: LogRecord[] = [];
  objects(parseJson(body)["resourceLogs"], "$.resourceLogs").forEach((group, index) => {
    const where = `$.resourceLogs[${index}]`;
    const resource = attributes(
      object(group["resource"] ?? {}, where)["attributes"],
      `${where}.resource.attributes`,
    );
    for (const scope of objects(group["scopeLogs"], `${where}.scopeLogs`)) {
      const place = `${where}.scopeLogs.logRecords`;
      objects(scope["logRecords"], place).forEach((json, at) =>
        records.push(readRecord(json, resource, `${place}[${at}]`)),
      );
    }
  });
  return { records, rejected: 0, reason: "" };
}

export function encodeLogsJson(records: readonly LogRecord[]): string {
  const resourceLogs = [...byResource(records)].map(([resource, group]) => ({
    resource: { attributes: writeJsonAttributes(resource) },
    scopeLogs: [{ logRecords: group.map(writeRecord) }],
  }));
  return JSON.stringify({ resourceLogs });
}

function readRecord(json: Json, resource: LogRecord["resource"], where: string): LogRecord {
  const time = bigint(json["timeUnixNano"], `${where}.timeUnixNano`);
  return {
    timeNs:
      time === 0n ? bigint(json["observedTimeUnixNano"], `${where}.observedTimeUnixNano`) : time,
    severity:
      text(json["severityText"]) ||
      severityName(number(json["severityNumber"], `${where}.severityNumber`)),
    body: String(flatten(anyValue(json["body"], `${where}.body`, 0))),
    traceId: id(json["traceId"]),
    spanId: id(json["spanId"]),
    attributes: attributes(json["attributes"], `${where}.attributes`),
    resource,
  };
}

function writeRecord(record: LogRecord): Json {
  return {
    timeUnixNano: record.timeNs.toString(),
    severityNumber: severityNumber(record.severity),
    severityText: record.severity,
    body: { stringValue: record.body },
    attributes: writeJsonAttributes(record.attributes),
    traceId: record.traceId,
    spanId: record.spanId,
  };
}
