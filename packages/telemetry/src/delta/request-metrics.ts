/** Request points as the standard metrics that they came from, with delta temporality, and back: their form on the way to the plane. */

import {
  requestLabels,
  type Attributes,
  type MetricPoint,
  type RequestLabels,
  type RequestPoint,
} from "../records.ts";

type Sum = Exclude<keyof RequestPoint, "time" | "labels" | "duration">;

const sums: readonly (readonly [string, Sum, string])[] = [
  ["istio_requests_total", "requests", "1"],
  ["istio_request_bytes_total", "requestBytes", "By"],
  ["istio_response_bytes_total", "responseBytes", "By"],
  ["istio_tcp_connections_opened_total", "opened", "1"],
  ["istio_tcp_connections_closed_total", "closed", "1"],
  ["istio_tcp_received_bytes_total", "received", "By"],
  ["istio_tcp_sent_bytes_total", "sent", "By"],
];
const sumOf = new Map(sums.map(([name, field]) => [name, field]));
const durationMetric = "istio_request_duration_milliseconds";
/** Histograms that others send; of these only the sums are kept. */
const sizeMetrics = new Map<string, Sum>([
  ["istio_request_bytes", "requestBytes"],
  ["istio_response_bytes", "responseBytes"],
]);

/** Zero increments are left out. */
export function toMetrics(points: readonly RequestPoint[], resource: Attributes): MetricPoint[] {
  const result: MetricPoint[] = [];
  for (const point of points) {
    const base = {
      startNs: 0n,
      timeNs: BigInt(Math.round(point.time)) * 1_000_000n,
      attributes: attributesOf(point.labels),
      resource,
    };
    for (const [name, field, unit] of sums) {
      if (point[field] > 0)
        result.push({
          ...base,
          name,
          unit,
          value: { type: "sum", value: point[field], monotonic: true, temporality: "delta" },
        });
    }
    if (point.duration)
      result.push({
        ...base,
        name: durationMetric,
        unit: "ms",
        value: { type: "histogram", histogram: point.duration, temporality: "delta" },
      });
  }
  return result;
}

/** Standard request metrics with delta temporality become request points; `others` are all the rest, cumulative ones included. */
export function fromMetrics(points: readonly MetricPoint[]): {
  requests: RequestPoint[];
  others: MetricPoint[];
} {
  const requests = new Map<string, RequestPoint>();
  const others: MetricPoint[] = [];
  for (const point of points) {
    const { value } = point;
    const field = sumOf.get(point.name);
    if (field && value.type === "sum" && value.temporality === "delta")
      requestOf(requests, point)[field] += value.value;
    else if (
      value.type === "histogram" &&
      value.temporality === "delta" &&
      point.name === durationMetric
    )
      requestOf(requests, point).duration = value.histogram;
    else if (
      value.type === "histogram" &&
      value.temporality === "delta" &&
      sizeMetrics.has(point.name)
    )
      requestOf(requests, point)[sizeMetrics.get(point.name)!] += value.histogram.sum;
    else others.push(point);
  }
  return { requests: [...requests.values()], others };
}

/** Whether a metric is one of those that make request points. */
export function isRequestMetric(name: string): boolean {
  return sumOf.has(name) || name === durationMetric || sizeMetrics.has(name);
}

function requestOf(requests: Map<string, RequestPoint>, point: MetricPoint): RequestPoint {
  const time = Number(point.timeNs / 1_000_000n);
  const labels = labelsOf(point.attributes);
  const key = `${time}\u0000${requestLabels.map((name) => labels[name]).join("\u0000")}`;
  let request = requests.get(key);
  if (!request) {
    request = {
      time,
      labels,
      requests: 0,
      requestBytes: 0,
      responseBytes: 0,
      opened: 0,
      closed: 0,
      received: 0,
      sent: 0,
    };
    requests.set(key, request);
  }
  return request;
}

function attributesOf(labels: RequestLabels): Attributes {
  const attributes: Attributes = {};
  for (const name of requestLabels) if (labels[name] !== "") attributes[name] = labels[name];
  return attributes;
}

function labelsOf(attributes: Attributes): RequestLabels {
  return Object.fromEntries(
    requestLabels.map((name) => [name, String(attributes[name] ?? "")]),
  ) as RequestLabels;
}
