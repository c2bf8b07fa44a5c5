/** OTLP traces in protobuf (ExportTraceServiceRequest), decoded straight to span records and back. */

import type { Attributes, SpanEvent, SpanLink, SpanRecord } from "../records.ts";
import { WireReader } from "../wire/reader.ts";
import { WireWriter } from "../wire/writer.ts";
import { readKeyValue, readResource, writeAttributes } from "./attributes.ts";
import { decodeResources, reject, type Decoded } from "./decoded.ts";
import { byResource } from "./group.ts";
import { isSpanId, isTraceId, serviceName, spanKinds, spanStatuses } from "./names.ts";

/** Throws CodecError HDL5001 where the bytes are no export request at all. */
export function decodeTraces(bytes: Uint8Array): Decoded<SpanRecord> {
  return decodeResources(new WireReader(bytes), readResourceSpans);
}

export function encodeTraces(spans: readonly SpanRecord[]): Uint8Array {
  const writer = new WireWriter();
  for (const [resource, group] of byResource(spans)) {
    writer.message(1, () => {
      writer.message(1, () => writeAttributes(writer, 1, resource));
      writer.message(2, () => {
        for (const span of group) writer.message(2, () => writeSpan(writer, span));
      });
    });
  }
  return writer.finish();
}

function readResourceSpans(reader: WireReader, into: Decoded<SpanRecord>): void {
  let resource: Attributes = {};
  const first = into.records.length;
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 10) resource = readResource(reader);
    else if (tag === 18) readScopeSpans(reader, into);
    else reader.skip(tag);
  }
  const service = serviceName(resource);
  for (let index = first; index < into.records.length; index++) {
    const span = into.records[index]!;
    span.resource = resource;
    span.service = service;
  }
}

function readScopeSpans(reader: WireReader, into: Decoded<SpanRecord>): void {
  const outer = reader.enter();
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag !== 18) {
      reader.skip(tag);
      continue;
    }
    const span = readSpan(reader);
    if (!isTraceId(span.traceId) || !isSpanId(span.spanId))
      reject(into, `span "${span.operation}" has no valid trace and span id`);
    else into.records.push(span);
  }
  reader.leave(outer);
}

function readSpan(reader: WireReader): SpanRecord {
  const outer = reader.enter();
  const span: SpanRecord = {
    traceId: "",
    spanId: "",
    parentSpanId: "",
    service: "",
    operation: "",
    kind: "internal",
    startNs: 0n,
    durationNs: 0,
    status: "unset",
    statusMessage: "",
    attributes: {},
    resource: {},
    events: [],
    links: [],
  };
  let endNs = 0n;
  const events: { at: bigint; event: SpanEvent }[] = [];
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 74) readKeyValue(reader, span.attributes);
    else if (tag === 10) span.traceId = reader.hex();
    else if (tag === 18) span.spanId = reader.hex();
    else if (tag === 34) span.parentSpanId = reader.hex();
    else if (tag === 42) span.operation = reader.text();
    else if (tag === 48) span.kind = spanKinds[reader.varint()] ?? "internal";
    else if (tag === 57) span.startNs = reader.fixed64();
    else if (tag === 65) endNs = reader.fixed64();
    else if (tag === 90) events.push(readEvent(reader, span.events));
    else if (tag === 106) span.links.push(readLink(reader));
    else if (tag === 122) readStatus(reader, span);
    else reader.skip(tag);
  }
  reader.leave(outer);
  if (span.parentSpanId === "0000000000000000") span.parentSpanId = "";
  span.durationNs = endNs > span.startNs ? Number(endNs - span.startNs) : 0;
  for (const { at, event } of events) event.offsetNs = Number(at - span.startNs);
  return span;
}

/** The event's absolute time is kept apart until the span's start is known, which may come later in the bytes. */
function readEvent(reader: WireReader, into: SpanEvent[]): { at: bigint; event: SpanEvent } {
  const outer = reader.enter();
  const event: SpanEvent = { name: "", offsetNs: 0, attributes: {} };
  let at = 0n;
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 9) at = reader.fixed64();
    else if (tag === 18) event.name = reader.text();
    else if (tag === 26) readKeyValue(reader, event.attributes);
    else reader.skip(tag);
  }
  reader.leave(outer);
  into.push(event);
  return { at, event };
}

function readLink(reader: WireReader): SpanLink {
  const outer = reader.enter();
  const link: SpanLink = { traceId: "", spanId: "", attributes: {} };
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 10) link.traceId = reader.hex();
    else if (tag === 18) link.spanId = reader.hex();
    else if (tag === 34) readKeyValue(reader, link.attributes);
    else reader.skip(tag);
  }
  reader.leave(outer);
  return link;
}

function readStatus(reader: WireReader, span: SpanRecord): void {
  const outer = reader.enter();
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 18) span.statusMessage = reader.text();
    else if (tag === 24) span.status = spanStatuses[reader.varint()] ?? "unset";
    else reader.skip(tag);
  }
  reader.leave(outer);
}

function writeSpan(writer: WireWriter, span: SpanRecord): void {
  writer.hex(1, span.traceId);
  writer.hex(2, span.spanId);
  writer.hex(4, span.parentSpanId);
  writer.text(5, span.operation);
  writer.uint(6, spanKinds.lastIndexOf(span.kind));
  writer.fixed64(7, span.startNs);
  writer.fixed64(8, span.startNs + BigInt(span.durationNs));
  writeAttributes(writer, 9, span.attributes);
  for (const event of span.events) {
    writer.message(11, () => {
      writer.fixed64(1, span.startNs + BigInt(event.offsetNs));
      writer.text(2, event.name);
      writeAttributes(writer, 3, event.attributes);
    });
  }
  for (const link of span.links) {
    writer.message(13, () => {
      writer.hex(1, link.traceId);
      writer.hex(2, link.spanId);
      writeAttributes(writer, 4, link.attributes);
    });
  }
  if (span.status === "unset" && span.statusMessage === "") return;
  writer.message(15, () => {
    writer.text(2, span.statusMessage);
    writer.uint(3, spanStatuses.indexOf(span.status));
  });
}
