/**
 * A new user's way through `docs/guides/getting-started-in-a-cluster.md`: its own commands, in its order, on the images that we
 * publish. Then the same installation by Helm, and in the end nothing of ours is left.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createClient } from "@heddle/client";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launchChromium } from "../harness/chromium.ts";
import { type Cluster, startCluster } from "./harness/cluster.ts";
import { buildHelm } from "./harness/components.ts";
import { type Guide, openGuide } from "./harness/guide.ts";
import { importEnvoy } from "./harness/images.ts";
import { importAgent, importBookinfo, importCapture, importPlane } from "./harness/own-images.ts";

const root = path.resolve(import.meta.dirname, "../..");
const PAGE = path.join(root, "docs/guides/getting-started-in-a-cluster.md");
const TITLE = "<title>Simple Bookstore App</title>";
/** Of a plane that an installation brings. */
const MESH = "default";
/** Of everything that an installation could leave behind. */
const KINDS = [
  ...["all", "customresourcedefinitions", "namespaces", "secrets", "configmaps", "leases"],
  ...["mutatingwebhookconfigurations", "validatingwebhookconfigurations", "serviceaccounts"],
  ...["clusterroles", "clusterrolebindings", "roles", "rolebindings", "poddisruptionbudgets"],
].join(",");
/** Whom the bookshop's page calls, by whom. */
const CALLS = [
  ["istio-ingressgateway", "productpage-v1"],
  ["productpage-v1", "details-v1"],
  ["productpage-v1", "reviews-v3"],
  ["reviews-v3", "ratings-v1"],
];

let folder: string;
let cluster: Cluster;
let browser: Browser;
let guide: Guide;
let before: string[];

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "heddle-walk-"));
  const say = (line: string) => console.log(line);
  const helm = await buildHelm(say);
  cluster = await startCluster({ state: path.join(folder, "state"), say });
  const { state, kubeconfig, binaries } = cluster;
  [browser] = await Promise.all([
    launchChromium(),
    importPlane(state),
    importAgent(state),
    importCapture(state),
    importEnvoy(state),
    importBookinfo(state),
  ]);
  guide = await openGuide(
    PAGE,
    folder,
    {
      heddle: `exec ${process.execPath} ${path.join(root, "apps/cli/src/main.ts")} "$@"`,
      kubectl: `exec ${path.join(binaries, "kubectl")} "$@"`,
      helm: `exec ${helm} "$@"`,
    },
    {
      ...{
        KUBECONFIG: kubeconfig,
        HEDDLE_CONFIG: path.join(folder, "contexts.json"),
        NO_COLOR: "1",
      },
    },
    root,
  );
  before = await everything();
});
afterAll(async () => {
  await browser?.close();
  await cluster?.down();
  await rm(folder, { recursive: true, force: true });
});

const everything = async () =>
  (await cluster.kubectl("get", KINDS, "--all-namespaces", "--output", "name"))
    .split("\n")
    .filter((name) => name !== "" && !name.startsWith("event"))
    .toSorted();
const page = async (url: string) => (await fetch(url)).text();
const gateway = async (path: string) =>
  cluster.kubectl(
    "get",
    "service",
    "istio-ingressgateway",
    "-n",
    "heddle-system",
    "-o",
    `jsonpath=${path}`,
  );
const address = async () =>
  `http://${await gateway("{.status.loadBalancer.ingress[0].ip}")}/productpage`;

test("the demo profile is installed, and is what manifest generate prints", async () => {
  const told = await guide.step("profiles");
  expect(told).toMatch(/^demo +to look at/m);
  expect(told).toContain("profile: demo");
  expect(await guide.step("install")).toContain("installed Heddle in heddle-system");
  const [count, ...verified] = (await guide.step("verify")).trim().split("\n");
  expect(verified.at(-1)).toBe(`all ${count} objects are as they should be`);
});

test("the bookshop answers inside of the cluster, each pod with its proxy", async () => {
  await guide.step("bookinfo");
  const proxies = "jsonpath={range .items[*]}{.spec.initContainers[*].name}{'\\n'}{end}";
  const pods = (await cluster.kubectl("get", "pods", "-o", proxies)).trim().split("\n");
  expect(pods).toHaveLength(6);
  for (const pod of pods) expect(pod).toContain("istio-proxy");
  expect(await guide.step("inside")).toBe(`${TITLE}\n`);
});

test("the gateway opens it by the address of a load balancer and by a node's port", async () => {
  expect(await guide.step("gateway")).toContain("No problems found");
  await expect.poll(() => address().then(page).catch(String)).toContain(TITLE);
  expect(await guide.step("address")).toBe(`${TITLE}\n`);
  expect(await guide.step("node-port")).toBe(`${TITLE}\n`);
});

test("traffic is shifted, and STRICT leaves out who has no certificate", async () => {
  await guide.step("shift");
  const stars = async () => {
    const pages = await Promise.all(Array.from({ length: 5 }, () => address().then(page)));
    return pages.filter((each) => each.includes('class="stars red"')).length;
  };
  await expect.poll(stars).toBe(5);
  await guide.step("strict");
  const pod = await cluster.kubectl(
    "get",
    "pods",
    "-l",
    "app=details",
    "-o",
    "jsonpath={.items[0].status.podIP}",
  );
  const past = () =>
    fetch(`http://${pod}:9080/details/0`).then(
      ({ status }) => status,
      () => 0,
    );
  await expect.poll(past).toBe(0);
  expect(await page(await address())).toContain(TITLE);
});

test("a hundred requests are in the console: who calls whom, and a trace from the gateway to ratings", async () => {
  await guide.step("traffic");
  const console = await guide.step("console");
  expect(console).toMatch(/^Kubernetes +.*connected/m);
  const link = new URL(console.trim().split("\n").at(-1) ?? "");
  const token = link.hash.replace("#token=", "");
  const client = createClient({ baseUrl: link.origin, token, retries: 0 });
  const calls = async () => {
    const { nodes, edges } = await client.graph(MESH, { namespace: "default" });
    const names = new Map(nodes.map(({ id, name }) => [id, name]));
    return edges.map(({ source, target }) => [names.get(source), names.get(target)]);
  };
  for (const call of CALLS) await expect.poll(calls).toContainEqual(call);
  const whole = async () => {
    const { items } = await client.traces(MESH, { service: "ratings" });
    const [first] = items;
    return first ? (await client.trace(MESH, first.traceId)).spans.length : 0;
  };
  // One at each side of the four calls, but for the gateway's own client.
  await expect.poll(whole).toBeGreaterThanOrEqual(7);
  const tab = await browser.newPage();
  await tab.goto(link.href);
  await tab.locator("main").first().waitFor();
  for (const [where, words] of [
    [`/m/${MESH}/graph`, /productpage[^]*reviews/],
    [`/m/${MESH}/traces`, /productpage/],
  ] as const) {
    await tab.goto(`${link.origin}${where}`);
    await expect.poll(() => tab.locator("body").innerText()).toMatch(words);
  }
});

test("uninstalled, it leaves nothing", async () => {
  await guide.step("remove");
  await expect.poll(everything).toEqual(before);
});

test("by Helm the bookshop is open as well, and then all of it is gone", async () => {
  await guide.step("helm");
  await guide.step("bookinfo");
  expect(await guide.step("gateway")).toContain("No problems found");
  await expect.poll(() => address().then(page).catch(String)).toContain(TITLE);
  const files = [
    "examples/bookinfo/bookinfo.yaml",
    "examples/bookinfo/rules/gateway.yaml",
    "examples/bookinfo/rules/versions.yaml",
  ];
  await cluster.kubectl("delete", ...files.flatMap((file) => ["-f", path.join(root, file)]));
  await cluster.kubectl("label", "namespace", "default", "istio-injection-");
  await guide.step("helm-remove");
  await expect.poll(everything).toEqual(before);
  expect(guide.left()).toEqual([]);
});
