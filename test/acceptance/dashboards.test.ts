/** Every panel of the dashboards shows something to whoever opens it: asked of a real Prometheus, of a whole mesh with traffic. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { choices, panelQueries, silentPanels, valuesOf } from "../harness/dashboards.ts";
import { type DemoProcess, removeDemoData, startDemoProcess } from "../harness/demo-process.ts";
import { type Prometheus, startPrometheus } from "../harness/prometheus.ts";

/** A version of a service that is called and calls. */
const CHOSEN = {
  service: "reviews.default.svc.cluster.local",
  namespace: "default",
  workload: "reviews-v3",
};
/** Prometheus scrapes each second here, and the agent its proxies too. */
const OVER = "10s";

let demo: DemoProcess;
let prometheus: Prometheus;

beforeAll(async () => {
  demo = await startDemoProcess({ port: 8744, gatewayPort: 8745, block: 36, rate: 20 });
  prometheus = await startPrometheus(9744, "127.36.0.1:15014", "/metrics");
});
afterAll(async () => {
  await prometheus?.close();
  await demo?.stop();
  await removeDemoData(demo);
});

/** The bookshop speaks HTTP alone, with nobody outside; its agent is in no cluster, and has refused and lost nothing. */
const TCP = ["Bytes received", "Bytes sent", "Connections opened and closed"];
const SILENT = [
  ...["Requests, by host", "Failed, by host"].map(
    (title) => `heddle-mesh: To hosts outside of the cluster: ${title}`,
  ),
  "heddle-mesh: Connections that are no HTTP: Connections, by service and workload",
  ...TCP.map((title) => `heddle-service: Connections that are no HTTP: ${title}`),
  ...TCP.map((title) => `heddle-workload: Coming in, no HTTP: ${title}`),
  ...TCP.map((title) => `heddle-workload: Going out, no HTTP: ${title}`),
  "heddle-agents: What is served: Callers without proof",
  ...["Kinds that cannot be read", "Statuses not written", "Leaders"].map(
    (title) => `heddle-agents: Troubles: ${title}`,
  ),
  "heddle-agents: Telemetry on its way to the plane: Refused, lost, tried again",
];

test("each panel has its numbers, but for what there is none of in this mesh", async () => {
  const silent = () => silentPanels(panelQueries(CHOSEN, OVER), prometheus.query);
  await expect.poll(silent, { timeout: 60_000, interval: 2_000 }).toEqual(SILENT);
});

test("each variable has values, among them those that are there", async () => {
  for (const choice of choices(CHOSEN))
    expect(valuesOf(choice, await prometheus.query(choice.expr)), choice.what).toContain(
      CHOSEN[choice.name as keyof typeof CHOSEN],
    );
});
