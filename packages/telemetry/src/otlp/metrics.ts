/** OTLP metrics in protobuf (ExportMetricsServiceRequest), decoded straight to metric points and back. */

import type { Attributes, MetricPoint, MetricValue, Temporality } from "../records.ts";
import { WireReader } from "../wire/reader.ts";
import { WireWriter } from "../wire/writer.ts";
import { readResource, writeAttributes } from "./attributes.ts";
import { decodeResources, type Decoded } from "./decoded.ts";
import { byResource } from "./group.ts";
import {
  readExponentialPoint,
  readHistogramPoint,
  readNumberPoint,
  readSummaryPoint,
} from "./metric-points.ts";

const temporalities: readonly Temporality[] = ["cumulative", "delta", "cumulative"];

/** Throws CodecError HDL5001 where the bytes are no export request at all. */
export function decodeMetrics(bytes: Uint8Array): Decoded<MetricPoint> {
  return decodeResources(new WireReader(bytes), readResourceMetrics);
}

export function encodeMetrics(points: readonly MetricPoint[]): Uint8Array {
  const writer = new WireWriter();
  for (const [resource, group] of byResource(points)) {
    writer.message(1, () => {
      writer.message(1, () => writeAttributes(writer, 1, resource));
      writer.message(2, () => {
        for (const metric of byMetric(group)) writer.message(2, () => writeMetric(writer, metric));
      });
    });
  }
  return writer.finish();
}

function readResourceMetrics(reader: WireReader, into: Decoded<MetricPoint>): void {
  let resource: Attributes = {};
  const first = into.records.length;
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 10) resource = readResource(reader);
    else if (tag === 18) readScopeMetrics(reader, into.records);
    else reader.skip(tag);
  }
  for (let index = first; index < into.records.length; index++)
    into.records[index]!.resource = resource;
}

function readScopeMetrics(reader: WireReader, into: MetricPoint[]): void {
  const outer = reader.enter();
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 18) readMetric(reader, into);
    else reader.skip(tag);
  }
  reader.leave(outer);
}

function readMetric(reader: WireReader, into: MetricPoint[]): void {
  const outer = reader.enter();
  const first = into.length;
  let name = "";
  let unit = "";
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 10) name = reader.text();
    else if (tag === 26) unit = reader.text();
    else if (tag === 42)
      readPoints(reader, into, readNumberPoint, (value) => ({ type: "gauge", value: value.value }));
    else if (tag === 58)
      readPoints(reader, into, readNumberPoint, (value, temporality, monotonic) => ({
        type: "sum",
        value: value.value,
        temporality,
        monotonic,
      }));
    else if (tag === 74)
      readPoints(reader, into, readHistogramPoint, (value, temporality) => ({
        type: "histogram",
        histogram: value.value,
        temporality,
      }));
    else if (tag === 82)
      readPoints(reader, into, readExponentialPoint, (value, temporality) => ({
        type: "exponential",
        histogram: value.value,
        temporality,
      }));
    else if (tag === 90) readPoints(reader, into, readSummaryPoint, (value) => value.value);
    else reader.skip(tag);
  }
  reader.leave(outer);
  for (let index = first; index < into.length; index++) {
    const point = into[index]!;
    point.name = name;
    point.unit = unit;
  }
}

interface ReadPoint<V> {
  startNs: bigint;
  timeNs: bigint;
  attributes: Attributes;
  value: V;
}

/** Temporality may stand after the points that it is about, so values are made when all has been read. */
function readPoints<V>(
  reader: WireReader,
  into: MetricPoint[],
  read: (reader: WireReader) => ReadPoint<V>,
  valueOf: (point: ReadPoint<V>, temporality: Temporality, monotonic: boolean) => MetricValue,
): void {
  const outer = reader.enter();
  const points: ReadPoint<V>[] = [];
  let temporality: Temporality = "cumulative";
  let monotonic = false;
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 10) points.push(read(reader));
    else if (tag === 16) temporality = temporalities[reader.varint()] ?? "cumulative";
    else if (tag === 24) monotonic = reader.varint() !== 0;
    else reader.skip(tag);
  }
  reader.leave(outer);
  for (const point of points) {
    const { startNs, timeNs, attributes } = point;
    into.push({
      name: "",
      unit: "",
      startNs,
      timeNs,
      attributes,
      resource: {},
      value: valueOf(point, temporality, monotonic),
    });
  }
}

interface MetricGroup {
  name: string;
  unit: string;
  kind: MetricValue["type"];
  temporality: Temporality;
  monotonic: boolean;
  points: MetricPoint[];
}

/** Points of one name, unit and type share one Metric. */
function byMetric(points: readonly MetricPoint[]): MetricGroup[] {
  const groups = new Map<string, MetricGroup>();
  for (const point of points) {
    const { value } = point;
    const temporality = "temporality" in value ? value.temporality : "cumulative";
    const monotonic = value.type === "sum" && value.monotonic;
    const key = JSON.stringify([point.name, point.unit, value.type, temporality, monotonic]);
    const group = groups.get(key);
    if (group) group.points.push(point);
    else
      groups.set(key, {
        name: point.name,
        unit: point.unit,
        kind: value.type,
        temporality,
        monotonic,
        points: [point],
      });
  }
  return [...groups.values()];
}

const metricFields: Record<MetricValue["type"], number> = {
  gauge: 5,
  sum: 7,
  histogram: 9,
  exponential: 10,
  summary: 11,
};

function writeMetric(writer: WireWriter, metric: MetricGroup): void {
  writer.text(1, metric.name);
  writer.text(3, metric.unit);
  writer.message(metricFields[metric.kind], () => {
    for (const point of metric.points) writer.message(1, () => writePoint(writer, point));
    if (metric.kind === "gauge" || metric.kind === "summary") return;
    writer.uint(2, metric.temporality === "delta" ? 1 : 2);
    if (metric.kind === "sum") writer.bool(3, metric.monotonic);
  });
}

function writePoint(writer: WireWriter, point: MetricPoint): void {
  const { value } = point;
  writer.fixed64(2, point.startNs);
  writer.fixed64(3, point.timeNs);
  if (value.type === "gauge" || value.type === "sum") {
    if (Number.isSafeInteger(value.value) && !Object.is(value.value, -0))
      writer.fixed64(6, BigInt(value.value), true);
    else writer.double(4, value.value, true);
    writeAttributes(writer, 7, point.attributes);
  } else if (value.type === "histogram") {
    const { histogram } = value;
    writer.fixed64(4, BigInt(histogram.count));
    writer.double(5, histogram.sum, true);
    writer.packedFixed64(6, histogram.counts);
    writer.packedDouble(7, histogram.bounds);
    writeAttributes(writer, 9, point.attributes);
  } else if (value.type === "exponential") {
    const { histogram } = value;
    writeAttributes(writer, 1, point.attributes);
    writer.fixed64(4, BigInt(histogram.count));
    writer.double(5, histogram.sum, true);
    writer.sint32(6, histogram.scale);
    writer.fixed64(7, BigInt(histogram.zeroCount));
    for (const [field, buckets] of [
      [8, histogram.positive],
      [9, histogram.negative],
    ] as const) {
      if (buckets.counts.length === 0) continue;
      writer.message(field, () => {
        writer.sint32(1, buckets.offset);
        writer.packedVarint(2, buckets.counts);
      });
    }
  } else {
    writer.fixed64(4, BigInt(value.count));
    writer.double(5, value.sum);
    for (const { quantile, value: at } of value.quantiles) {
      writer.message(6, () => {
        writer.double(1, quantile);
        writer.double(2, at);
      });
    }
    writeAttributes(writer, 7, point.attributes);
  }
}
