/**
 * Two clusters of one mesh whose pods do not reach each other, as the guide has it: the plane in the first, an east-west gateway in
 * each, mutual TLS alone. A client in the first is answered by the pods of both, and by those of one while the other's, the
 * plane or the other's agent are gone.
 */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { createClient, type HeddleClient } from "@heddle/client";
import type { GivenValues } from "@heddle/kube";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { type Cluster, startCluster } from "./harness/cluster.ts";
import { ECHO_IMAGE, importEcho } from "./harness/echo.ts";
import { importEnvoy } from "./harness/images.ts";
import { installAgent, LITTLE } from "./harness/install-agent.ts";
import { defaultNumber, MAX_NUMBER } from "./harness/network.ts";
import { importAgent, importCapture, importPlane } from "./harness/own-images.ts";
import { isLinked, processesInRoom } from "./harness/room.ts";
import { namespace, SHOP } from "./harness/shop.ts";
import { connectSites, hasWay } from "./harness/two-sites.ts";
import { volume } from "./harness/volume.ts";

const run = promisify(execFile);
const GUIDE = path.resolve(import.meta.dirname, "../../docs/guides/several-clusters.md");
const OWN = "heddle-system";
const READY = "--timeout=180s";
const PLANE_PORT = 30_870;
const BETWEEN = 15_443;
const RATE = 20;
/** How long the other cluster keeps the endpoints of one whose agent is gone, milliseconds. */
const TTL = 5_000;
/** Of answers that are measured when all has settled, milliseconds. */
const SETTLED = 3_000;
/** Between looks into pods, which cost the machine something, milliseconds. */
const LOOKS = 500;

const names = ["west", "east"] as const;
type Name = (typeof names)[number];

let folder: string;
const clusters = new Map<Name, Cluster>();
let client: HeddleClient;

const of = (name: Name): Cluster => {
  const cluster = clusters.get(name);
  if (cluster === undefined) throw new Error(`${name} was not started`);
  return cluster;
};
const inBoth = <T>(act: (name: Name) => Promise<T>) => Promise.all(names.map(act));

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "heddle-two-clusters-"));
  // Both are there or have failed before anything is taken down.
  const started = await Promise.allSettled(names.map(start));
  for (const each of started) if (each.status === "rejected") throw each.reason;
  await connectSites(of("west"), of("east"));
  await inBoth(async (name) => {
    const { state, kubectl } = of(name);
    await kubectl.apply(namespace("istio-system"), namespace(OWN));
    const images = [importEnvoy, importEcho, importAgent, importCapture];
    if (name === "west") images.push(importPlane);
    await Promise.all(images.map((make) => make(state)));
  });
  const { state, kubectl, network } = of("west");
  await kubectl.apply(await volume(state, "plane", "10Gi"));
  const server = {
    service: { type: "NodePort" as const, nodePort: PLANE_PORT },
    storage: { persistent: true },
  };
  await install("west", { install: true, server });
  const url = `http://${network.node}:${PLANE_PORT}`;
  client = createClient({ baseUrl: url, token: await secret("heddle-plane-keys", "admin-token") });
  await client.apply("default", {
    files: [{ name: "strict.yaml", content: STRICT }],
    message: "mutual TLS alone",
  });
  const { token } = await client.createJoinToken("default", { name: "east" });
  await of("east").kubectl.apply({
    ...{ apiVersion: "v1", kind: "Secret", stringData: { token } },
    metadata: { name: "heddle-agent-token", namespace: OWN },
  });
  await install("east", { install: false, url });
  await inBoth(deploy);
});
afterAll(async () => {
  for (const cluster of clusters.values()) await cluster.down();
  await rm(folder, { recursive: true, force: true });
});

async function start(name: Name): Promise<void> {
  const first = defaultNumber();
  const number = name === "west" ? first : (first + (MAX_NUMBER + 1) / 2) % (MAX_NUMBER + 1);
  const say = (line: string) => console.log(`${name}: ${line}`);
  clusters.set(name, await startCluster({ state: path.join(folder, name), number, say }));
}

function install(name: Name, plane: NonNullable<GivenValues["plane"]>): Promise<void> {
  const values: GivenValues = {
    ...LITTLE,
    mesh: { clusterId: name, network: `net-${name}` },
    agent: { arguments: [`--endpoints-ttl=${TTL / 1000}s`] },
    plane,
  };
  return installAgent(of(name), values, { images: false });
}

const STRICT = `apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: default, namespace: istio-system }
spec: { mtls: { mode: STRICT } }
`;

/** Of the guide: a gateway that leads into a cluster's network. */
async function gatewayInto(network: string): Promise<object[]> {
  const page = await readFile(GUIDE, "utf8");
  const [text] = [...page.matchAll(/^```yaml\n(.*?)^```$/gms)].flatMap(([, block = ""]) =>
    block.includes("AUTO_PASSTHROUGH") ? [block] : [],
  );
  return parseAllDocuments((text ?? "").replaceAll("net-east", network)).map(
    (document) => document.toJS() as object,
  );
}

async function deploy(name: Name): Promise<void> {
  const { kubectl } = of(name);
  const injector = ["wait", "mutatingwebhookconfiguration/heddle-injector", READY];
  await kubectl(...injector, "--for=jsonpath={.webhooks[0].clientConfig.caBundle}");
  const gateway = await gatewayInto(`net-${name}`);
  await kubectl.apply(namespace(SHOP, { "istio-injection": "enabled" }));
  await kubectl.apply(...gateway, ...workloads(name));
  await rolledOut(name, "istio-system", "istio-eastwestgateway");
  await rolledOut(name, SHOP, `echo-${name}`);
  if (name === "west") await rolledOut(name, SHOP, "client");
}

function workloads(name: Name): object[] {
  const metadata = (of: string) => ({ name: of, namespace: SHOP });
  const deployment = (of: string, app: string, container: object) => ({
    ...{ apiVersion: "apps/v1", kind: "Deployment", metadata: metadata(of) },
    spec: {
      selector: { matchLabels: { app } },
      template: {
        metadata: { labels: { app } },
        spec: {
          serviceAccountName: app,
          containers: [{ name: "app", image: ECHO_IMAGE, ...container }],
        },
      },
    },
  });
  const account = (of: string) => ({
    ...{ apiVersion: "v1", kind: "ServiceAccount", metadata: metadata(of) },
  });
  const asks = deployment("client", "client", {
    command: ["/usr/local/bin/node", "/app/load.ts"],
    env: [
      { name: "URL", value: "http://echo/" },
      { name: "RATE", value: String(RATE) },
    ],
  });
  return [
    account("echo"),
    {
      ...{ apiVersion: "v1", kind: "Service", metadata: metadata("echo") },
      spec: { selector: { app: "echo" }, ports: [{ name: "http", port: 80, targetPort: 8080 }] },
    },
    deployment(`echo-${name}`, "echo", {
      readinessProbe: { httpGet: { path: "/", port: 8080 }, periodSeconds: 1 },
      // As any application has it that is not to lose requests: others hear of a pod's end some time after it.
      lifecycle: { preStop: { sleep: { seconds: 10 } } },
    }),
    ...(name === "west" ? [account("client"), asks] : []),
  ];
}

const rolledOut = (name: Name, space: string, deployment: string) =>
  of(name).kubectl("rollout", "status", "-n", space, `deployment/${deployment}`, READY);

async function scale(name: Name, space: string, deployment: string, replicas: number) {
  const named = ["-n", space, `deployment/${deployment}`];
  await of(name).kubectl("scale", ...named, `--replicas=${replicas}`);
  if (replicas > 0) return rolledOut(name, space, deployment);
  const pods = ["-n", space, "-l", `app.kubernetes.io/name=${deployment}`];
  return of(name).kubectl("wait", "--for=delete", "pod", ...pods, READY);
}

async function secret(name: string, key: string): Promise<string> {
  const value = ["-o", `jsonpath={.data.${key}}`];
  const data = await of("west").kubectl("get", "secret", name, "-n", OWN, ...value);
  return Buffer.from(data, "base64").toString();
}

/** What a program of the client's pod finds at a URL. */
const asked = (url: string) =>
  of("west").kubectl(
    ...["exec", "-n", SHOP, "deployment/client", "-c", "app", "--", "node", "-e"],
    `fetch(${JSON.stringify(url)}).then((r) => r.text()).then(console.log)`,
  );

/** Addresses to which the client's proxy sends requests for the service. */
async function targets(): Promise<string[]> {
  const text = await asked("http://127.0.0.1:15000/clusters");
  const found = text.matchAll(
    /^outbound\|80\|\|echo\.shop\.svc\.cluster\.local::([\d.]+:\d+)::cx_active/gm,
  );
  return [...found].map(([, address = ""]) => address).toSorted();
}

const targetsAre = (expected: readonly string[]) =>
  expect.poll(targets, { interval: LOOKS }).toEqual(expected);

interface Pod {
  readonly metadata: { readonly name: string; readonly deletionTimestamp?: string };
  readonly status: { readonly podIP: string };
}

async function echoPod(name: Name): Promise<Pod> {
  const found = await of(name).kubectl("get", "pods", "-n", SHOP, "-l", "app=echo", "-o", "json");
  const { items } = JSON.parse(found) as { items: Pod[] };
  const [pod, ...others] = items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  if (pod === undefined || others.length > 0) throw new Error(`no pod, or many: ${found}`);
  return pod;
}
const near = async () => `${(await echoPod("west")).status.podIP}:8080`;
const far = () => `${wayInto("east")}:${BETWEEN}`;
/** The first address that is given: of the only Service that asks for one. */
const wayInto = (name: Name) => of(name).network.loadBalancers.replace(/0\/24$/, "1");
const both = async () => [await near(), far()].toSorted();

interface Seen {
  readonly asked: number;
  readonly answered: number;
  readonly failures: readonly string[];
  /** Clusters whose pods have answered, by the names of their Deployments. */
  readonly by: readonly string[];
}
let requests = 0;

/** What became of the client's requests while something went on. */
async function during(happens: () => Promise<unknown>): Promise<Seen> {
  await asked("http://127.0.0.1:8081/new");
  await happens();
  const told = JSON.parse(await asked("http://127.0.0.1:8081/new")) as Omit<Seen, "by"> & {
    readonly pods: Readonly<Record<string, number>>;
  };
  requests += told.asked;
  const by = Object.keys(told.pods).map((pod) => pod.split("-")[1] ?? pod);
  const seen = { ...told, by: [...new Set(by)].toSorted() };
  console.log(`${seen.asked} requests, ${seen.failures.length} failed, by ${seen.by.join()}`);
  // But for what is on its way.
  expect(seen.answered + seen.failures.length).toBeGreaterThan(seen.asked - RATE);
  return seen;
}
const settled = () => during(() => sleep(SETTLED));

/** Both agents are in touch with the plane, and share with each other. */
async function sharing(): Promise<void> {
  const agents = async () =>
    (await client.agents("default")).items
      .map(({ cluster, connected, sharesWith }) => ({ cluster, connected, sharesWith }))
      .toSorted((a, b) => ((a.cluster ?? "") < (b.cluster ?? "") ? -1 : 1));
  await expect
    .poll(() => agents().catch(String), { interval: LOOKS })
    .toEqual([
      { cluster: "east", connected: true, sharesWith: ["west"] },
      { cluster: "west", connected: true, sharesWith: ["east"] },
    ]);
}

test("a client of one is answered by the pods of both, those of the other through its gateway", async () => {
  await sharing();
  // What leads to the other's pods is the gateway alone.
  expect(await hasWay(of("west"), wayInto("east"))).toBe(true);
  expect(await hasWay(of("west"), (await echoPod("east")).status.podIP)).toBe(false);
  await targetsAre(await both());
  await expect.poll(async () => (await settled()).by).toEqual(["east", "west"]);
  expect((await settled()).failures).toEqual([]);
});

test("client and pod prove to each other who they are, from end to end", async () => {
  const seen = new Map<string, string>();
  await expect
    .poll(async () => {
      const { pod, peer } = JSON.parse(await asked("http://echo/")) as {
        pod: string;
        peer: string;
      };
      seen.set(pod, peer.replace(/Hash=[0-9a-f]+/, "Hash=…"));
      return seen.size;
    })
    .toBe(2);
  const peer =
    "By=spiffe://cluster.local/ns/shop/sa/echo;Hash=…;URI=spiffe://cluster.local/ns/shop/sa/client";
  for (const name of names) expect(seen.get((await echoPod(name)).metadata.name), name).toBe(peer);
  // Nobody else is let in: neither past the pods' proxies nor through the gateway.
  const strangers = [
    ...(await inBoth(async (name) => `${(await echoPod(name)).status.podIP}:8080`)),
    ...names.map((name) => `${wayInto(name)}:${BETWEEN}`),
  ];
  for (const stranger of strangers)
    await expect(
      fetch(`http://${stranger}/`, { signal: AbortSignal.timeout(3_000) }),
      stranger,
    ).rejects.toThrow();
});

test("all are answered by the other cluster's pods while its own are gone, and by both when they are back", async () => {
  const going = await during(async () => {
    await of("west").kubectl("scale", "-n", SHOP, "deployment/echo-west", "--replicas=0");
    await targetsAre([far()]);
  });
  expect(going.failures).toEqual([]);
  expect(await settled()).toMatchObject({ failures: [], by: ["east"] });
  const coming = await during(async () => {
    await scale("west", SHOP, "echo-west", 1);
    await targetsAre(await both());
  });
  expect(coming.failures).toEqual([]);
  expect(await settled()).toMatchObject({ failures: [], by: ["east", "west"] });
});

test("what was shared goes on being reached while the plane is gone", async () => {
  const before = await targets();
  const away = await during(async () => {
    await scale("west", OWN, "heddle-plane", 0);
    await sleep(TTL + SETTLED);
    expect(await targets()).toEqual(before);
  });
  expect(away).toMatchObject({ failures: [], by: ["east", "west"] });
  const back = await during(async () => {
    await scale("west", OWN, "heddle-plane", 1);
    await sharing();
    await sleep(TTL + SETTLED);
    expect(await targets()).toEqual(before);
  });
  expect(back).toMatchObject({ failures: [], by: ["east", "west"] });
});

test("a cluster's endpoints are withdrawn when its agent has been gone for its time to live, and are back with it", async () => {
  const before = await targets();
  const going = await during(async () => {
    const began = performance.now();
    await scale("east", OWN, "heddle-agent", 0);
    await targetsAre([await near()]);
    expect(performance.now() - began).toBeGreaterThan(TTL);
  });
  expect(going.failures).toEqual([]);
  expect(await settled()).toMatchObject({ failures: [], by: ["west"] });
  const coming = await during(async () => {
    await scale("east", OWN, "heddle-agent", 1);
    await targetsAre(before);
  });
  expect(coming.failures).toEqual([]);
  expect(await settled()).toMatchObject({ failures: [], by: ["east", "west"] });
});

test("nothing of them is left on the machine", async () => {
  const made = names.map(of);
  await Promise.all(made.map((cluster) => cluster.down()));
  clusters.clear();
  const { stdout: routes } = await run("ip", ["route"]);
  for (const { state, network } of made) {
    expect(processesInRoom(state)).toEqual([]);
    expect(isLinked(network.link)).toBe(false);
    expect(routes).not.toContain(network.link);
    for (const range of [network.pods, network.services, network.loadBalancers])
      expect(routes).not.toContain(range);
  }
  console.log(`${requests} requests in all`);
});
