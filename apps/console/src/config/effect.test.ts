import type { Golden, Graph, GraphNode, ServiceSummary } from "@heddle/client";
import { expect, test } from "vitest";
import { touchedServices } from "./effect.ts";

const golden = (rate: number): Golden => ({
  requests: rate,
  rate,
  errorRate: 0,
  p50: 1,
  p95: 1,
  p99: 1,
  bytesPerSecond: 0,
});
const service = (name: string, namespace = "default"): ServiceSummary => ({
  host: `${name}.${namespace}.svc.cluster.local`,
  name,
  namespace,
  ports: [],
  workloads: [],
  golden: golden(1),
  rateSeries: [],
  errorSeries: [],
  p95Series: [],
});
const node = (id: string, app: string): GraphNode => ({
  id,
  kind: "workload",
  namespace: "default",
  name: id,
  app,
  version: "",
  golden: golden(1),
});
const edge = (source: string, target: string, rate: number) => ({
  source,
  target,
  protocol: "http" as const,
  golden: golden(rate),
  mtls: 1,
  flags: {},
});
const graph: Graph = {
  from: "",
  to: "",
  nodes: [
    node("web-v1", "web"),
    node("cron", "cron"),
    node("reviews-v1", "reviews"),
    node("reviews-v2", "reviews"),
  ],
  edges: [
    edge("cron", "reviews-v1", 1),
    edge("web-v1", "reviews-v1", 5),
    edge("web-v1", "reviews-v2", 4),
  ],
};
const services = [service("reviews"), service("reviews", "other"), service("web")];
const change = (hosts: string[]) => [
  { kind: "VirtualService", namespace: undefined, spec: { hosts } },
];

test("names the services of a change with their callers, the busiest first", () => {
  const touched = touchedServices(change(["reviews"]), services, graph);
  expect(touched).toHaveLength(1);
  expect(touched[0]).toMatchObject({
    rate: 10,
    callers: [
      { name: "web-v1", rate: 9 },
      { name: "cron", rate: 1 },
    ],
  });
});

test("reads a host in full, and knows services without callers or without a graph", () => {
  expect(
    touchedServices(change(["reviews.other.svc.cluster.local"]), services, graph)[0],
  ).toMatchObject({ rate: 0, callers: [] });
  expect(touchedServices(change(["web"]), services, undefined)).toHaveLength(1);
});

test("a host that is no service touches nobody", () => {
  expect(touchedServices(change(["*", "nowhere"]), services, graph)).toEqual([]);
});
