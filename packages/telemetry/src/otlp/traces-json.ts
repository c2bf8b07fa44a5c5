/** OTLP traces in JSON: ids are hexadecimal, enums numbers, 64-bit integers text. */

import type { SpanRecord } from "../records.ts";
import { reject, type Decoded } from "./decoded.ts";
import { byResource } from "./group.ts";
import {
  attributes,
  bigint,
  enumIndex,
  id,
  object,
  objects,
  parseJson,
  text,
  writeJsonAttributes,
  type Json,
} from "./json-value.ts";
import { isSpanId, isTraceId, serviceName, spanKinds, spanStatuses } from "./names.ts";

/** Throws CodecError HDL5002 with the JSON path of what is wrong. */
export function decodeTracesJson(body: string): Decoded<SpanRecord> {
  const decoded: Decoded<SpanRecord> = { records: [], rejected: 0, reason: "" };
  objects(parseJson(body)["resourceSpans"], "$.resourceSpans").forEach((group, index) => {
    const where = `$.resourceSpans[${index}]`;
    const resource = attributes(
      object(group["resource"] ?? {}, where)["attributes"],
      `${where}.resource.attributes`,
    );
    for (const scope of objects(group["scopeSpans"], `${where}.scopeSpans`)) {
      objects(scope["spans"], `${where}.scopeSpans.spans`).forEach((json, at) => {
        const span = readSpan(json, resource, `${where}.scopeSpans.spans[${at}]`);
        if (!isTraceId(span.traceId) || !isSpanId(span.spanId))
          reject(decoded, `span "${span.operation}" has no valid trace and span id`);
        else decoded.records.push(span);
      });
    }
  });
  return decoded;
}

export function encodeTracesJson(spans: readonly SpanRecord[]): string {
  const resourceSpans = [...byResource(spans)].map(([resource, group]) => ({
    resource: { attributes: writeJsonAttributes(resource) },
    scopeSpans: [{ spans: group.map(writeSpan) }],
  }));
  return JSON.stringify({ resourceSpans });
}

function readSpan(json: Json, resource: SpanRecord["resource"], where: string): SpanRecord {
  const startNs = bigint(json["startTimeUnixNano"], `${where}.startTimeUnixNano`);
  const endNs = bigint(json["endTimeUnixNano"], `${where}.endTimeUnixNano`);
  const status = object(json["status"] ?? {}, `${where}.status`);
  const parent = id(json["parentSpanId"]);
  return {
    traceId: id(json["traceId"]),
    spanId: id(json["spanId"]),
    parentSpanId: isSpanId(parent) ? parent : "",
    service: serviceName(resource),
    operation: text(json["name"]),
    kind: spanKinds[enumIndex(json["kind"], spanKinds)] ?? "internal",
    startNs,
    durationNs: endNs > startNs ? Number(endNs - startNs) : 0,
    status: spanStatuses[enumIndex(status["code"], spanStatuses)] ?? "unset",
    statusMessage: text(status["message"]),
    attributes: attributes(json["attributes"], `${where}.attributes`),
    resource,
    events: objects(json["events"], `${where}.events`).map((event) => ({
      name: text(event["name"]),
      offsetNs: Number(bigint(event["timeUnixNano"], `${where}.events.timeUnixNano`) - startNs),
      attributes: attributes(event["attributes"], `${where}.events.attributes`),
    })),
    links: objects(json["links"], `${where}.links`).map((link) => ({
      traceId: id(link["traceId"]),
      spanId: id(link["spanId"]),
      attributes: attributes(link["attributes"], `${where}.links.attributes`),
    })),
  };
}

function writeSpan(span: SpanRecord): Json {
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId,
    name: span.operation,
    kind: spanKinds.lastIndexOf(span.kind),
    startTimeUnixNano: span.startNs.toString(),
    endTimeUnixNano: (span.startNs + BigInt(span.durationNs)).toString(),
    attributes: writeJsonAttributes(span.attributes),
    events: span.events.map((event) => ({
      timeUnixNano: (span.startNs + BigInt(event.offsetNs)).toString(),
      name: event.name,
      attributes: writeJsonAttributes(event.attributes),
    })),
    links: span.links.map((link) => ({
      traceId: link.traceId,
      spanId: link.spanId,
      attributes: writeJsonAttributes(link.attributes),
    })),
    status: { code: spanStatuses.indexOf(span.status), message: span.statusMessage },
  };
}
