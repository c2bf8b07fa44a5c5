import type { Golden, ProxyInfo, RevisionInfo, ServiceSummary, StoredObject } from "@heddle/client";
import { describe, expect, test } from "vitest";
import { findFindings, headline } from "./findings.ts";

const now = Date.parse("2026-11-23T14:40:00Z");
const from = now - 900_000;
const stepMs = 60_000;
const clock = (time: number) => new Date(time).toISOString().slice(11, 16);

function golden(errorRate: number): Golden {
  return { requests: 9000, rate: 10, errorRate, p50: 10, p95: 30, p99: 60, bytesPerSecond: 100 };
}

/** A service that fails from the given step on. */
function service(name: string, errorRate: number, fromStep = 0): ServiceSummary {
  return {
    host: `${name}.default.svc.cluster.local`,
    name,
    namespace: "default",
    ports: [],
    workloads: [],
    golden: golden(errorRate),
    rateSeries: Array.from({ length: 15 }, () => 10),
    errorSeries: Array.from({ length: 15 }, (_, step) => (step >= fromStep ? 10 * errorRate : 0)),
    p95Series: [],
  };
}

const revision = (number: number, createdAt: string): RevisionInfo => ({
  number,
  parent: number - 1,
  createdAt,
  author: "ada",
  message: "",
  stateRoot: "",
  hash: "",
  signature: "",
  changes: [],
  convergence: { revision: number, proxies: 1, acknowledged: 1, state: "applied" },
});

const revisions = [
  revision(42, "2026-11-23T14:39:00Z"),
  revision(41, "2026-11-23T14:31:40Z"),
  revision(40, "2026-11-23T10:00:00Z"),
];

describe("findings", () => {
  test("say since when services fail and after which revision", () => {
    const findings = findFindings(
      {
        services: [service("cart", 0.1, 7), service("pay", 0.2, 7), service("ok", 0)],
        from,
        stepMs,
        revisions,
      },
      now,
    );
    expect(findings.map(({ title }) => title)).toEqual(["cart is failing", "pay is failing"]);
    expect(headline(findings, clock)).toBe(
      "2 services failing since 14:32, both after revision 41",
    );
  });

  test("do not blame a revision that came long before or later", () => {
    const findings = findFindings(
      {
        services: [service("cart", 0.1, 7)],
        from,
        stepMs,
        revisions: [revisions[0]!, revisions[2]!],
      },
      now,
    );
    expect(findings[0]).not.toHaveProperty("after");
    expect(headline(findings, clock)).toBe("1 service failing since 14:32");
  });

  test("do not name a beginning that lies before the range", () => {
    const findings = findFindings(
      { services: [service("cart", 0.1, 0)], from, stepMs, revisions },
      now,
    );
    expect(headline(findings, clock)).toBe("1 service failing");
  });

  test("an empty newest step does not hide a failure that goes on", () => {
    const filling = service("cart", 0.1, 7);
    filling.rateSeries[14] = 0;
    filling.errorSeries[14] = 0;
    expect(findFindings({ services: [filling], from, stepMs }, now)[0]?.since).toBe(
      from + 7 * stepMs,
    );
  });

  test("name refused and late proxies, broken objects, absent agents; what fails comes first", () => {
    const proxy = (name: string, state: ProxyInfo["state"], error?: string): ProxyInfo => ({
      id: name,
      name,
      type: "sidecar",
      agent: "a",
      connectedAt: "",
      acknowledged: 1,
      state,
      types: { RDS: { version: "1", resources: 1, ...(error ? { error } : {}) } },
    });
    const object: StoredObject = {
      key: "g/VirtualService/shop/checkout",
      apiVersion: "g/v1",
      kind: "VirtualService",
      metadata: { name: "checkout", namespace: "shop" },
      spec: {},
      owner: "hosted",
      revision: 1,
      hash: "",
      diagnostics: [
        { code: "IST0101", level: "Error", message: "Referenced subset not found", origin: "" },
      ],
    };
    const findings = findFindings(
      {
        objects: [object],
        proxies: [
          proxy("a.x", "stale"),
          proxy("b.x", "rejected", "duplicate domain"),
          proxy("c.x", "synced"),
        ],
        agents: [
          {
            id: "1",
            name: "east",
            version: "1",
            connected: false,
            since: "2026-11-23T14:38:00Z",
            acknowledged: 1,
            sharesWith: [],
            proxies: [],
          },
        ],
      },
      now,
    );
    expect(findings.map(({ health, title }) => `${health} ${title}`)).toEqual([
      "bad VirtualService shop/checkout: IST0101",
      "bad 1 proxy refused configuration",
      "warn 1 proxy behind",
      "warn Agent east is away",
    ]);
    expect(findings[1]?.detail).toBe("duplicate domain");
    expect(headline(findings, clock)).toBe("Traffic is healthy, but 2 things need you");
  });

  test("of nothing wrong say so", () => {
    expect(headline(findFindings({ services: [service("ok", 0)] }, now), clock)).toBe(
      "Everything is healthy",
    );
  });
});
