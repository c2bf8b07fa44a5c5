/**
 * Transparent interception in a real cluster: applications that know nothing of a mesh call each other by addresses of the
 * cluster, headless names, hosts outside and plain connections, where every workload takes mutual TLS alone. Their proxies come by the
 * agent's webhook, and are served by TLS for their tokens.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { INSTALL_NAMESPACE } from "@heddle/kube";
import { type Cluster, startCluster } from "./harness/cluster.ts";
import { ECHO_IMAGE, importEcho } from "./harness/echo.ts";
import { importEnvoy } from "./harness/images.ts";
import { installAgent, LITTLE } from "./harness/install-agent.ts";

const NAMESPACE = "talk";
const READY_WITHIN = "--timeout=180s";
const HTTP = 8080;
const RAW = 9000;
const DNS = { "proxy.istio.io/config": 'proxyMetadata: { ISTIO_META_DNS_CAPTURE: "true" }' };

let folder: string;
let cluster: Cluster;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "heddle-interception-"));
  const state = path.join(folder, "state");
  cluster = await startCluster({ state, say: (line) => console.log(line) });
  await Promise.all([importEnvoy(state), importEcho(state)]);
  await installAgent(cluster, LITTLE);
  await cluster.kubectl.apply(...objects());
  for (const workload of ["deployment/echo", "deployment/caller", "statefulset/db"])
    await cluster.kubectl("rollout", "status", "-n", NAMESPACE, workload, READY_WITHIN);
  for (const pod of OUTSIDE)
    await cluster.kubectl(
      "wait",
      "-n",
      NAMESPACE,
      "--for=condition=Ready",
      `pod/${pod}`,
      READY_WITHIN,
    );
  await cluster.kubectl.apply(...(await outside()));
});
afterAll(async () => {
  await cluster?.down();
  await rm(folder, { recursive: true, force: true });
});

/** Two, of no mesh, that are one port of two hosts. */
const OUTSIDE = ["first", "second"];

function objects(): readonly object[] {
  const probes = {
    // Each in another way; none of them comes with a certificate.
    startupProbe: { httpGet: { path: "/", port: HTTP }, periodSeconds: 1, failureThreshold: 120 },
    readinessProbe: { httpGet: { path: "/", port: "http" }, periodSeconds: 1 },
    livenessProbe: { tcpSocket: { port: RAW }, periodSeconds: 1 },
  };
  const container = {
    name: "app",
    image: ECHO_IMAGE,
    ports: [{ name: "http", containerPort: HTTP }],
    ...probes,
  };
  const template = (app: string, annotations: Readonly<Record<string, string>> = {}) => ({
    metadata: { labels: { app }, annotations },
    spec: { serviceAccountName: app, terminationGracePeriodSeconds: 1, containers: [container] },
  });
  const metadata = (name: string) => ({ name, namespace: NAMESPACE });
  const workload = (kind: string, app: string, replicas: number, more: object = {}) => ({
    apiVersion: "apps/v1",
    kind,
    metadata: metadata(app),
    spec: {
      replicas,
      selector: { matchLabels: { app } },
      template: template(app, app === "caller" ? DNS : {}),
      ...more,
    },
  });
  const service = (app: string, more: object = {}) => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: metadata(app),
    spec: {
      selector: { app },
      ports: [
        { name: "http", port: app === "db" ? HTTP : 80, targetPort: HTTP },
        { name: "tcp-raw", port: RAW },
      ],
      ...more,
    },
  });
  return [
    {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: NAMESPACE, labels: { "istio-injection": "enabled" } },
    },
    ...["echo", "caller", "db"].map((name) => ({
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata: metadata(name),
    })),
    {
      apiVersion: "security.istio.io/v1",
      kind: "PeerAuthentication",
      metadata: metadata("default"),
      spec: { mtls: { mode: "STRICT" } },
    },
    service("echo"),
    service("db", { clusterIP: "None" }),
    workload("Deployment", "echo", 2),
    workload("Deployment", "caller", 1),
    workload("StatefulSet", "db", 2, { serviceName: "db", podManagementPolicy: "Parallel" }),
    ...OUTSIDE.map((name) => ({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { ...metadata(name), labels: { app: name, "sidecar.istio.io/inject": "false" } },
      spec: { terminationGracePeriodSeconds: 1, containers: [container] },
    })),
  ];
}

/** Hosts that no DNS knows, by the addresses of pods. */
async function outside(): Promise<readonly object[]> {
  return Promise.all(
    OUTSIDE.map(async (name) => ({
      apiVersion: "networking.istio.io/v1",
      kind: "ServiceEntry",
      metadata: { name, namespace: NAMESPACE },
      spec: {
        hosts: [`${name}.example`],
        location: "MESH_EXTERNAL",
        resolution: "STATIC",
        ports: [
          { number: HTTP, name: "http", protocol: "HTTP" },
          { number: RAW, name: "tcp-raw", protocol: "TCP" },
        ],
        endpoints: [{ address: await addressOf(name) }],
      },
    })),
  );
}

const addressOf = (pod: string) =>
  cluster.kubectl("get", "pod", "-n", NAMESPACE, pod, "-o", "jsonpath={.status.podIP}");

async function podsOf(app: string) {
  const text = await cluster.kubectl(
    "get",
    "pods",
    "-n",
    NAMESPACE,
    "-l",
    `app=${app}`,
    "-o",
    "json",
  );
  const { items } = JSON.parse(text) as {
    items: {
      metadata: { name: string };
      status: { podIP: string; containerStatuses: { restartCount: number; ready: boolean }[] };
    }[];
  };
  return items.map(({ metadata: { name }, status }) => ({ name, ...status }));
}

/** In the application's container, by nothing but what Node itself has. */
const runIn = (pod: string, script: string) =>
  cluster
    .kubectl("exec", "-n", NAMESPACE, pod, "-c", "app", "--", "node", "-e", script)
    .then((text) => text.trim());
const CALLER = "deployment/caller";

interface Answer {
  readonly pod: string;
  readonly peer?: string;
}

/** What a request gets; the way that it failed where it did. */
const ask = async (
  url: string,
  from = CALLER,
  host = new URL(url).host,
): Promise<Answer | string> => {
  const text = await runIn(
    from,
    `const options = { headers: { host: "${host}" }, timeout: 5000 };
     const call = require("node:http").get("${url}", options, async (response) => {
       console.log(await response.setEncoding("utf8").reduce((all, part) => all + part, ""));
     });
     call.on("timeout", () => call.destroy(new Error("silence")));
     call.on("error", (error) => console.log(error.code ?? error.message));`,
  );
  return text.startsWith("{") ? (JSON.parse(text) as Answer) : text;
};

/** What a server says to whoever connects. */
const hear = (host: string, from = CALLER): Promise<string> =>
  runIn(
    from,
    `const socket = require("node:net").connect(${RAW}, "${host}");
     socket.setTimeout(5000, () => { console.log("silence"); socket.destroy(); });
     socket.on("data", (data) => console.log(String(data)));
     socket.on("error", (error) => console.log(error.code));
     socket.on("close", () => process.exit());`,
  );

const CLIENT = "URI=spiffe://cluster.local/ns/talk/sa/caller";

describe("applications of injected pods", () => {
  test("call a Service by its name: every pod of it answers, and has seen the caller's certificate", async () => {
    await expect
      .poll(() => ask("http://echo/"))
      .toMatchObject({ peer: expect.stringContaining(CLIENT) as string });
    const seen = new Set<string>();
    await expect
      .poll(async () => {
        const answer = await ask("http://echo.talk.svc.cluster.local/");
        if (typeof answer !== "string") seen.add(answer.pod);
        return seen.size;
      })
      .toBe(2);
  });

  test("call a headless name, and each of its pods by its own", async () => {
    const pods = await podsOf("db");
    const all = await runIn(
      CALLER,
      `require("node:dns").promises.lookup("db", { all: true })
        .then((found) => console.log(found.map(({ address }) => address).sort().join()))`,
    );
    expect(all.split(",")).toEqual(pods.map(({ podIP }) => podIP).toSorted());
    for (const { name, podIP } of pods) {
      const answer = { pod: name, peer: expect.stringContaining(CLIENT) as string };
      await expect.poll(() => ask(`http://${name}.db:${HTTP}/`)).toMatchObject(answer);
      // As one does that has looked up the name, and keeps to one of its addresses.
      expect(await ask(`http://${podIP}:${HTTP}/`, CALLER, `db:${HTTP}`)).toMatchObject(answer);
      expect(await hear(`${name}.db`)).toBe(name);
    }
    expect(await ask(`http://db:${HTTP}/`)).toMatchObject({
      pod: expect.stringMatching(/^db-/) as string,
    });
  });

  test("call hosts outside that no DNS knows and that have no addresses, two on one port", async () => {
    for (const name of OUTSIDE) {
      await expect.poll(() => hear(`${name}.example`)).toBe(name);
      expect(await ask(`http://${name}.example:${HTTP}/`)).toMatchObject({ pod: name });
    }
    // Whose DNS is left alone knows nothing of them.
    expect(await ask(`http://first.example:${HTTP}/`, "deployment/echo")).toMatch(
      /^(ENOTFOUND|EAI_AGAIN)$/,
    );
  });

  test("speak plain TCP, by mutual TLS where the server is of the mesh, and as it is where it is not", async () => {
    expect(await hear("echo")).toMatch(/^echo-/);
    expect(await hear(await addressOf("first"))).toBe("first");
  });

  test("are reached by nobody without a certificate", async () => {
    const [server] = await podsOf("echo");
    expect(await ask(`http://${server?.podIP}:${HTTP}/`, "pod/first")).toMatch(/ECONNRESET|SOCKET/);
    expect(await hear(server?.podIP ?? "", "pod/first")).not.toBe(server?.name);
  });

  test("have what their proxies log sent by TLS, which the agent takes from nobody else", async () => {
    const of = [
      "get",
      "pods",
      "-n",
      INSTALL_NAMESPACE,
      "-l",
      "app.kubernetes.io/name=heddle-agent",
    ];
    const agent = await cluster.kubectl(...of, "-o", "jsonpath={.items[0].status.podIP}");
    const taken = async () => {
      const text = await (await fetch(`http://${agent}:15014/metrics`)).text();
      return Number(
        /^heddle_telemetry_received_requests_total\{signal="logs"\} (\d+)$/m.exec(text)?.[1] ?? 0,
      );
    };
    await expect.poll(taken).toBeGreaterThan(0);
    // In the clear, where whoever sends is believed.
    await expect(fetch(`http://${agent}:4317/`)).rejects.toMatchObject({
      cause: { code: "ECONNREFUSED" },
    });
  });

  test("are found well by probes of all kinds though these bring no certificate", async () => {
    for (const app of ["echo", "caller", "db"])
      for (const { containerStatuses } of await podsOf(app))
        expect(containerStatuses).toEqual([
          expect.objectContaining({ ready: true, restartCount: 0 }),
        ]);
  });
});
