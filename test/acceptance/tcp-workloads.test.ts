/** Who connects to whom, where a connection carries nothing to say it: two workloads of one account, told apart by their certificates. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type PlaneMesh, SERVICE_PORT, startPlaneMesh } from "../harness/plane-mesh.ts";
import { until } from "../harness/plane-process.ts";
import { ask } from "../harness/request.ts";
import { scrape } from "../harness/scrape.ts";
import { presentedLeaf } from "../harness/sidecar-tls.ts";

const BLOCK = 22;
const SHOP = { namespace: "shop", sidecar: true };
/** By caller, how many connections it makes, and where its sidecar takes them. */
const CALLERS = {
  "orders-v1": { connections: 2, at: `127.${BLOCK}.1.1` },
  "orders-v2": { connections: 3, at: `127.${BLOCK}.1.2` },
} as const;
const ACCOUNT = "spiffe://cluster.local/ns/shop/sa/orders";

let mesh: PlaneMesh;
beforeAll(async () => {
  mesh = await startPlaneMesh({
    ...{ block: BLOCK, port: 8706 },
    workloads: [
      ...Object.keys(CALLERS).map((name) => ({ ...SHOP, name, account: "orders" })),
      { ...SHOP, name: "ledger", tcp: true },
    ],
  });
  const objects = Object.entries(CALLERS).map(([app, { at }]) => ({
    ...{ apiVersion: "networking.istio.io/v1", kind: "Sidecar" },
    metadata: { name: app, namespace: "shop" },
    spec: {
      workloadSelector: { labels: { app } },
      egress: [
        {
          port: { number: SERVICE_PORT, protocol: "TCP", name: "tcp" },
          ...{ bind: at, hosts: ["./ledger.shop.svc.cluster.local"] },
        },
        { hosts: ["./*"] },
      ],
    },
  }));
  await mesh.plane.client.apply("demo", { objects });
  for (const { connections, at } of Object.values(CALLERS)) {
    await until(async () => (await connect(at).catch(() => undefined)) === "ledger", 30_000);
    for (let made = 1; made < connections; made++) await connect(at);
  }
}, 300_000);
afterAll(() => mesh?.stop());

/** A connection to the ledger, which says who answered. */
const connect = async (at: string) =>
  (await ask(at, SERVICE_PORT, "ledger", "/", { headers: { connection: "close" } })).echo().name;

const connections = async (of: string) =>
  (await scrape(mesh.pod(of).address, "istio_tcp_connections_closed_total")).map(
    ({ labels, value }) => ({
      ...{ reporter: labels["reporter"], value },
      source: labels["source_workload"],
      destination: labels["destination_workload"],
      principals: [labels["source_principal"], labels["destination_principal"]],
    }),
  );

test("certificates of one account name the workload that they are for", async () => {
  const names = Object.keys(CALLERS).map(async (name) => [
    name,
    (await presentedLeaf(mesh.pod(name).address)).subjectAltName,
  ]);
  expect(Object.fromEntries(await Promise.all(names))).toEqual({
    "orders-v1": `URI:${ACCOUNT}, DNS:orders-v1.shop.workload.cluster.local`,
    "orders-v2": `URI:${ACCOUNT}, DNS:orders-v2.shop.workload.cluster.local`,
  });
});

test("both sides count each connection for the workload that made it", async () => {
  const counted = (reporter: string, source: keyof typeof CALLERS) => ({
    ...{ reporter, source, destination: "ledger", value: CALLERS[source].connections },
    principals: [ACCOUNT, "spiffe://cluster.local/ns/shop/sa/ledger"],
  });
  for (const caller of ["orders-v1", "orders-v2"] as const)
    await expect
      .poll(() => connections(caller), { timeout: 10_000 })
      .toEqual([counted("source", caller)]);
  await expect
    .poll(async () => (await connections("ledger")).toSorted((a, b) => a.value - b.value), {
      timeout: 10_000,
    })
    .toEqual([counted("destination", "orders-v1"), counted("destination", "orders-v2")]);
});

test("the plane's graph has them by name", async () => {
  const edges = async () => {
    const graph = await mesh.plane.client.graph("demo", { namespace: "shop", view: "workload" });
    const names = new Map(graph.nodes.map(({ id, name }) => [id, name]));
    return graph.edges
      .filter(({ protocol }) => protocol === "tcp")
      .map(({ source, target }) => [names.get(source), names.get(target)])
      .toSorted();
  };
  await expect.poll(edges, { timeout: 30_000 }).toEqual([
    ["orders-v1", "ledger"],
    ["orders-v2", "ledger"],
  ]);
});
