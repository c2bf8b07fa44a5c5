/** OTLP metrics in JSON. */

import type { ExponentialHistogram, MetricPoint, MetricValue, Temporality } from "../records.ts";
import type { Decoded } from "./decoded.ts";
import { byResource } from "./group.ts";
import {
  attributes,
  bigint,
  enumIndex,
  number,
  numbers,
  object,
  objects,
  parseJson,
  text,
  writeJsonAttributes,
  type Json,
} from "./json-value.ts";

/** Throws CodecError HDL5002 with the JSON path of what is wrong. */
export function decodeMetricsJson(body: string): Decoded<MetricPoint> {
  const records: MetricPoint[] = [];
  objects(parseJson(body)["resourceMetrics"], "$.resourceMetrics").forEach((group, index) => {
    const where = `$.resourceMetrics[${index}]`;
    const resource = attributes(
      object(group["resource"] ?? {}, where)["attributes"],
      `${where}.resource.attributes`,
    );
    for (const scope of objects(group["scopeMetrics"], `${where}.scopeMetrics`)) {
      for (const metric of objects(scope["metrics"], `${where}.scopeMetrics.metrics`))
        readMetric(metric, resource, `${where}.${text(metric["name"])}`, records);
    }
  });
  return { records, rejected: 0, reason: "" };
}

export function encodeMetricsJson(points: readonly MetricPoint[]): string {
  const resourceMetrics = [...byResource(points)].map(([resource, group]) => ({
    resource: { attributes: writeJsonAttributes(resource) },
    scopeMetrics: [{ metrics: group.map(writeMetric) }],
  }));
  return JSON.stringify({ resourceMetrics });
}

const kinds = {
  gauge: "gauge",
  sum: "sum",
  histogram: "histogram",
  exponentialHistogram: "exponential",
  summary: "summary",
} as const;

function readMetric(
  metric: Json,
  resource: MetricPoint["resource"],
  where: string,
  into: MetricPoint[],
): void {
  for (const [field, kind] of Object.entries(kinds)) {
    if (metric[field] === undefined) continue;
    const data = object(metric[field], where);
    const temporality: Temporality =
      enumIndex(data["aggregationTemporality"], ["", "DELTA", "CUMULATIVE"]) === 1
        ? "delta"
        : "cumulative";
    objects(data["dataPoints"], `${where}.dataPoints`).forEach((json, index) => {
      const place = `${where}.dataPoints[${index}]`;
      into.push({
        name: text(metric["name"]),
        unit: text(metric["unit"]),
        startNs: bigint(json["startTimeUnixNano"], place),
        timeNs: bigint(json["timeUnixNano"], place),
        attributes: attributes(json["attributes"], `${place}.attributes`),
        resource,
        value: readValue(kind, json, temporality, data["isMonotonic"] === true, place),
      });
    });
  }
}

function readValue(
  kind: MetricValue["type"],
  json: Json,
  temporality: Temporality,
  monotonic: boolean,
  where: string,
): MetricValue {
  const value = () =>
    json["asInt"] === undefined
      ? number(json["asDouble"], where)
      : Number(bigint(json["asInt"], where));
  const totals = () => ({
    count: Number(bigint(json["count"], where)),
    sum: number(json["sum"], where),
  });
  if (kind === "gauge") return { type: "gauge", value: value() };
  if (kind === "sum") return { type: "sum", value: value(), monotonic, temporality };
  if (kind === "histogram") {
    const counts = numbers(json["bucketCounts"], where);
    return {
      type: "histogram",
      temporality,
      histogram: { bounds: numbers(json["explicitBounds"], where), counts, ...totals() },
    };
  }
  if (kind === "summary") {
    const quantiles = objects(json["quantileValues"], where).map((at) => ({
      quantile: number(at["quantile"], where),
      value: number(at["value"], where),
    }));
    return { type: "summary", quantiles, ...totals() };
  }
  const buckets = (field: unknown): ExponentialHistogram["positive"] => {
    const side = object(field ?? {}, where);
    return { offset: number(side["offset"], where), counts: numbers(side["bucketCounts"], where) };
  };
  const histogram = {
    scale: number(json["scale"], where),
    zeroCount: Number(bigint(json["zeroCount"], where)),
    positive: buckets(json["positive"]),
    negative: buckets(json["negative"]),
    ...totals(),
  };
  return { type: "exponential", temporality, histogram };
}

function writeMetric(point: MetricPoint): Json {
  const base = {
    startTimeUnixNano: point.startNs.toString(),
    timeUnixNano: point.timeNs.toString(),
    attributes: writeJsonAttributes(point.attributes),
  };
  const head = { name: point.name, unit: point.unit };
  const { value } = point;
  const aggregationTemporality = "temporality" in value && value.temporality === "delta" ? 1 : 2;
  if (value.type === "gauge")
    return { ...head, gauge: { dataPoints: [{ ...base, ...writeNumber(value.value) }] } };
  if (value.type === "sum") {
    const dataPoints = [{ ...base, ...writeNumber(value.value) }];
    return { ...head, sum: { aggregationTemporality, isMonotonic: value.monotonic, dataPoints } };
  }
  if (value.type === "histogram") {
    const { bounds, counts, count, sum } = value.histogram;
    const dataPoints = [
      {
        ...base,
        count: String(count),
        sum,
        bucketCounts: counts.map(String),
        explicitBounds: bounds,
      },
    ];
    return { ...head, histogram: { aggregationTemporality, dataPoints } };
  }
  if (value.type === "exponential") {
    const { scale, zeroCount, positive, negative, count, sum } = value.histogram;
    const side = (buckets: ExponentialHistogram["positive"]) => ({
      offset: buckets.offset,
      bucketCounts: buckets.counts.map(String),
    });
    const dataPoints = [
      {
        ...base,
        count: String(count),
        sum,
        scale,
        zeroCount: String(zeroCount),
        positive: side(positive),
        negative: side(negative),
      },
    ];
    return { ...head, exponentialHistogram: { aggregationTemporality, dataPoints } };
  }
  const dataPoints = [
    { ...base, count: String(value.count), sum: value.sum, quantileValues: value.quantiles },
  ];
  return { ...head, summary: { dataPoints } };
}

function writeNumber(value: number): Json {
  if (Number.isSafeInteger(value) && !Object.is(value, -0)) return { asInt: String(value) };
  return { asDouble: Number.isFinite(value) ? value : String(value) };
}
