/** What can be asked of a service in a filter. */
import type { ServiceSummary } from "@heddle/client";
import type { Field } from "../filter/query.ts";
import { healthOf, healthWord } from "../health/health.ts";

export const serviceFields: readonly Field<ServiceSummary>[] = [
  {
    name: "name",
    aliases: ["service", "host"],
    type: "text",
    about: "name of the service",
    read: (row) => row.name,
  },
  {
    name: "ns",
    aliases: ["namespace"],
    type: "text",
    about: "namespace",
    read: (row) => row.namespace,
  },
  {
    name: "rate",
    aliases: ["rps"],
    type: "number",
    about: "requests per second",
    read: (row) => row.golden.rate,
  },
  {
    name: "errors",
    aliases: ["error"],
    type: "share",
    about: "share of failed requests, as 1%",
    read: (row) => row.golden.errorRate,
  },
  {
    name: "p50",
    type: "duration",
    about: "median latency, as 20ms",
    read: (row) => row.golden.p50,
  },
  {
    name: "p95",
    type: "duration",
    about: "latency of the slowest 5 %, as 300ms",
    read: (row) => row.golden.p95,
  },
  {
    name: "p99",
    type: "duration",
    about: "latency of the slowest 1 %",
    read: (row) => row.golden.p99,
  },
  {
    name: "health",
    aliases: ["status"],
    type: "text",
    about: "healthy, degraded, failing",
    read: (row) => healthWord[healthOf(row.golden)],
  },
];
