/** Services that stand for others: ExternalName to a host of the mesh, and to one outside of it. */
import type { Sidecar } from "@heddle/model";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { asking, startDnsServer } from "../../harness/dns-server.ts";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { object, service, sidecar, virtualService } from "../../harness/objects.ts";

const A = "127.108.0.2";
const B = "127.108.0.3";
const NAMES = "127.108.0.53";

const external = (name: string, externalName: string, namespace = "default") =>
  object(
    "v1",
    "Service",
    name,
    { type: "ExternalName", externalName, ports: [{ name: "http", port: 9080 }] },
    namespace,
  );

/** To one host, and to what its rule needs. */
const narrowed = (app: string, outboundTrafficPolicy?: Sidecar["outboundTrafficPolicy"]) =>
  sidecar(
    app,
    {
      workloadSelector: { labels: { app } },
      egress: [{ hosts: ["./front.shop.svc.cluster.local"] }],
      ...(outboundTrafficPolicy ? { outboundTrafficPolicy } : {}),
    },
    "shop",
  );

let endDns: (() => Promise<void>) | undefined;
beforeAll(async () => {
  endDns = await startDnsServer(NAMES, { "outside.test": [B] });
});
afterAll(async () => {
  await endDns?.();
});

describe.skipIf(!envoyBinary)("an ExternalName service", () => {
  const mesh = startedMesh({
    workloads: {
      client: { address: "127.108.0.1", namespace: "shop", patch: asking(NAMES) },
      narrow: { address: "127.108.0.4", namespace: "shop" },
      proxied: { address: "127.108.0.5", namespace: "shop" },
      a: { address: A, ports: [9080], sidecar: false },
      b: { address: B, ports: [9080], sidecar: false },
    },
    objects: [
      ...service("reviews", [{ name: "http", port: 9080 }], [A], { clusterIP: "10.108.0.1" }),
      virtualService("reviews", {
        hosts: ["reviews"],
        http: [
          {
            headers: { response: { set: { "x-rule": "reviews" } } },
            route: [{ destination: { host: "reviews" } }],
          },
        ],
      }),
      external("legacy", "reviews.default.svc.cluster.local", "shop"),
      external("older", "legacy.shop.svc.cluster.local", "shop"),
      external("outside", "outside.test", "shop"),
      virtualService(
        "front",
        {
          hosts: ["front.shop.svc.cluster.local"],
          http: [{ route: [{ destination: { host: "legacy" } }] }],
        },
        "shop",
      ),
      ...service("front", [{ name: "http", port: 9080 }], [B], { namespace: "shop" }),
      narrowed("narrow"),
      narrowed("proxied", {
        mode: "ALLOW_ANY",
        egressProxy: { host: "older.shop.svc.cluster.local", port: { number: 9080 } },
      }),
    ],
  });

  test("of the mesh's own is that service, with its rules, by every form of its name", async () => {
    for (const host of ["legacy", "legacy.shop", "legacy.shop.svc.cluster.local", "older"]) {
      const answer = await mesh.get("client", `${host}:9080`);
      expect([answer.status, answer.headers["x-application"], answer.headers["x-rule"]]).toEqual([
        200,
        "a",
        "reviews",
      ]);
    }
  });

  test("can be where a rule sends requests", async () => {
    expect((await mesh.get("client", "front:9080")).headers["x-application"]).toBe("a");
  });

  test("is where a rule sends requests of workloads whose Sidecar lists neither it nor what it stands for", async () => {
    expect((await mesh.get("narrow", "front:9080")).headers["x-application"]).toBe("a");
  });

  test("can be where a Sidecar sends requests for strangers", async () => {
    expect((await mesh.get("proxied", "stranger.test")).headers["x-application"]).toBe("a");
  });

  test("of a name outside is resolved", async () => {
    expect((await mesh.get("client", "outside:9080")).headers["x-application"]).toBe("b");
  });
});
