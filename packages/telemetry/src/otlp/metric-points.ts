/** The four kinds of OTLP data points, read from protobuf. */

import type {
  Attributes,
  ExplicitHistogram,
  ExponentialHistogram,
  MetricValue,
} from "../records.ts";
import { wireBytes, type WireReader } from "../wire/reader.ts";
import { readKeyValue } from "./attributes.ts";

interface Point<V> {
  startNs: bigint;
  timeNs: bigint;
  attributes: Attributes;
  value: V;
}

export function readNumberPoint(reader: WireReader): Point<number> {
  return readPoint(reader, 0, (point, tag) => {
    if (tag === 33) point.value = reader.double();
    else if (tag === 49) point.value = Number(reader.sfixed64());
    else if (tag === 58) readKeyValue(reader, point.attributes);
    else reader.skip(tag);
  });
}

export function readHistogramPoint(reader: WireReader): Point<ExplicitHistogram> {
  const counts: number[] = [];
  const bounds: number[] = [];
  const histogram: ExplicitHistogram = { bounds, counts, count: 0, sum: 0 };
  return readPoint(reader, histogram, (point, tag) => {
    if (tag === 33) histogram.count = reader.fixed64Number();
    else if (tag === 41) histogram.sum = reader.double();
    else if (tag >> 3 === 6) repeated(reader, tag, () => counts.push(reader.fixed64Number()));
    else if (tag >> 3 === 7) repeated(reader, tag, () => bounds.push(reader.double()));
    else if (tag === 74) readKeyValue(reader, point.attributes);
    else reader.skip(tag);
  });
}

export function readExponentialPoint(reader: WireReader): Point<ExponentialHistogram> {
  const none = { offset: 0, counts: [] as number[] };
  const histogram: ExponentialHistogram = {
    scale: 0,
    zeroCount: 0,
    positive: none,
    negative: none,
    count: 0,
    sum: 0,
  };
  return readPoint(reader, histogram, (point, tag) => {
    if (tag === 10) readKeyValue(reader, point.attributes);
    else if (tag === 33) histogram.count = reader.fixed64Number();
    else if (tag === 41) histogram.sum = reader.double();
    else if (tag === 48) histogram.scale = reader.sint32();
    else if (tag === 57) histogram.zeroCount = reader.fixed64Number();
    else if (tag === 66) histogram.positive = readBuckets(reader);
    else if (tag === 74) histogram.negative = readBuckets(reader);
    else reader.skip(tag);
  });
}

export function readSummaryPoint(reader: WireReader): Point<MetricValue & { type: "summary" }> {
  const summary: MetricValue & { type: "summary" } = {
    type: "summary",
    count: 0,
    sum: 0,
    quantiles: [],
  };
  return readPoint(reader, summary, (point, tag) => {
    if (tag === 33) summary.count = reader.fixed64Number();
    else if (tag === 41) summary.sum = reader.double();
    else if (tag === 50) summary.quantiles.push(readQuantile(reader));
    else if (tag === 58) readKeyValue(reader, point.attributes);
    else reader.skip(tag);
  });
}

/** Start and time have the same numbers in all four kinds. */
function readPoint<V>(
  reader: WireReader,
  value: V,
  field: (point: Point<V>, tag: number) => void,
): Point<V> {
  const outer = reader.enter();
  const point: Point<V> = { startNs: 0n, timeNs: 0n, attributes: {}, value };
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 17) point.startNs = reader.fixed64();
    else if (tag === 25) point.timeNs = reader.fixed64();
    else field(point, tag);
  }
  reader.leave(outer);
  return point;
}

function readBuckets(reader: WireReader): { offset: number; counts: number[] } {
  const outer = reader.enter();
  const buckets = { offset: 0, counts: [] as number[] };
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 8) buckets.offset = reader.sint32();
    else if (tag >> 3 === 2) repeated(reader, tag, () => buckets.counts.push(reader.varint()));
    else reader.skip(tag);
  }
  reader.leave(outer);
  return buckets;
}

function readQuantile(reader: WireReader): { quantile: number; value: number } {
  const outer = reader.enter();
  const at = { quantile: 0, value: 0 };
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 9) at.quantile = reader.double();
    else if (tag === 17) at.value = reader.double();
    else reader.skip(tag);
  }
  reader.leave(outer);
  return at;
}

/** Senders may write a repeated number packed or one by one. */
function repeated(reader: WireReader, tag: number, read: () => void): void {
  if ((tag & 7) !== wireBytes) return read();
  const outer = reader.enter();
  while (reader.position < reader.end) read();
  reader.leave(outer);
}
