/** Zipkin v2 JSON spans (https://zipkin.io/zipkin-api/zipkin2-api.yaml) to span records. */

import { CodecError } from "../codec-error.ts";
import { reject, type Decoded } from "../otlp/decoded.ts";
import { id, number, object, objects, text, type Json } from "../otlp/json-value.ts";
import { isSpanId, isTraceId } from "../otlp/names.ts";
import type { Attributes, SpanKind, SpanRecord } from "../records.ts";

const kinds: Record<string, SpanKind> = {
  CLIENT: "client",
  SERVER: "server",
  PRODUCER: "producer",
  CONSUMER: "consumer",
};

/** Throws CodecError HDL5002 where the body is not a list of objects. Times are microseconds there. */
export function decodeZipkin(body: string): Decoded<SpanRecord> {
  let list: unknown;
  try {
    list = JSON.parse(body);
  } catch (error) {
    throw new CodecError("HDL5002", `the body is not JSON: ${(error as Error).message}`, "$");
  }
  const decoded: Decoded<SpanRecord> = { records: [], rejected: 0, reason: "" };
  const resources = new Map<string, Attributes>();
  objects(list, "$").forEach((json, index) => {
    const span = readSpan(json, resources, `$[${index}]`);
    if (!isTraceId(span.traceId) || !isSpanId(span.spanId))
      reject(decoded, `span "${span.operation}" has no valid trace and span id`);
    else decoded.records.push(span);
  });
  return decoded;
}

function readSpan(json: Json, resources: Map<string, Attributes>, where: string): SpanRecord {
  const startUs = number(json["timestamp"], `${where}.timestamp`);
  const local = object(json["localEndpoint"] ?? {}, `${where}.localEndpoint`);
  const service = text(local["serviceName"]) || "unknown_service";
  let resource = resources.get(service);
  if (!resource) resources.set(service, (resource = { "service.name": service }));
  const attributes: Attributes = {};
  for (const [key, value] of Object.entries(object(json["tags"] ?? {}, `${where}.tags`)))
    attributes[key] = String(value);
  const remote = object(json["remoteEndpoint"] ?? {}, `${where}.remoteEndpoint`);
  if (text(remote["serviceName"])) attributes["peer.service"] = text(remote["serviceName"]);
  if (text(remote["ipv4"])) attributes["network.peer.address"] = text(remote["ipv4"]);
  return {
    traceId: id(json["traceId"]).padStart(32, "0"),
    spanId: id(json["id"]).padStart(16, "0"),
    parentSpanId: json["parentId"] === undefined ? "" : id(json["parentId"]).padStart(16, "0"),
    service,
    operation: text(json["name"]),
    kind: kinds[text(json["kind"])] ?? "internal",
    startNs: BigInt(Math.round(startUs)) * 1000n,
    durationNs: Math.round(number(json["duration"], `${where}.duration`) * 1000),
    status: "error" in attributes && attributes["error"] !== "false" ? "error" : "unset",
    statusMessage:
      typeof attributes["error"] === "string" && attributes["error"] !== "true"
        ? attributes["error"]
        : "",
    attributes,
    resource,
    events: objects(json["annotations"], `${where}.annotations`).map((annotation) => ({
      name: text(annotation["value"]),
      offsetNs: Math.round(
        (number(annotation["timestamp"], `${where}.annotations`) - startUs) * 1000,
      ),
      attributes: {},
    })),
    links: [],
  };
}
