/** OTLP logs in protobuf (ExportLogsServiceRequest), decoded straight to log records and back. */

import type { Attributes, LogRecord } from "../records.ts";
import { WireReader } from "../wire/reader.ts";
import { WireWriter } from "../wire/writer.ts";
import {
  readFlatValue,
  readKeyValue,
  readResource,
  writeAttributes,
  writeValue,
} from "./attributes.ts";
import { decodeResources, type Decoded } from "./decoded.ts";
import { byResource } from "./group.ts";
import { severityName, severityNumber } from "./names.ts";

/** Throws CodecError HDL5001 where the bytes are no export request at all. */
export function decodeLogs(bytes: Uint8Array): Decoded<LogRecord> {
  return decodeResources(new WireReader(bytes), readResourceLogs);
}

export function encodeLogs(records: readonly LogRecord[]): Uint8Array {
  const writer = new WireWriter();
  for (const [resource, group] of byResource(records)) {
    writer.message(1, () => {
      writer.message(1, () => writeAttributes(writer, 1, resource));
      writer.message(2, () => {
        for (const record of group) writer.message(2, () => writeRecord(writer, record));
      });
    });
  }
  return writer.finish();
}

function readResourceLogs(reader: WireReader, into: Decoded<LogRecord>): void {
  let resource: Attributes = {};
  const first = into.records.length;
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 10) resource = readResource(reader);
    else if (tag === 18) readScopeLogs(reader, into.records);
    else reader.skip(tag);
  }
  for (let index = first; index < into.records.length; index++)
    into.records[index]!.resource = resource;
}

function readScopeLogs(reader: WireReader, into: LogRecord[]): void {
  const outer = reader.enter();
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 18) into.push(readRecord(reader));
    else reader.skip(tag);
  }
  reader.leave(outer);
}

function readRecord(reader: WireReader): LogRecord {
  const outer = reader.enter();
  const record: LogRecord = {
    timeNs: 0n,
    severity: "",
    body: "",
    traceId: "",
    spanId: "",
    attributes: {},
    resource: {},
  };
  let observed = 0n;
  let number = 0;
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 50) readKeyValue(reader, record.attributes);
    else if (tag === 9) record.timeNs = reader.fixed64();
    else if (tag === 89) observed = reader.fixed64();
    else if (tag === 16) number = reader.varint();
    else if (tag === 26) record.severity = reader.text();
    else if (tag === 42) record.body = String(readFlatValue(reader));
    else if (tag === 74) record.traceId = reader.hex();
    else if (tag === 82) record.spanId = reader.hex();
    else reader.skip(tag);
  }
  reader.leave(outer);
  if (record.timeNs === 0n) record.timeNs = observed;
  if (record.severity === "") record.severity = severityName(number);
  return record;
}

function writeRecord(writer: WireWriter, record: LogRecord): void {
  writer.fixed64(1, record.timeNs);
  writer.uint(2, severityNumber(record.severity));
  writer.text(3, record.severity);
  if (record.body !== "") writer.message(5, () => writeValue(writer, record.body));
  writeAttributes(writer, 6, record.attributes);
  writer.hex(9, record.traceId);
  writer.hex(10, record.spanId);
}
