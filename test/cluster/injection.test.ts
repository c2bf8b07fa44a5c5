/**
 * A cluster whose pods are injected by the agent's own webhook, where mutual TLS alone is taken: what people deploy runs as it is. The
 * agent stands outside of the cluster, behind its Service.
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type RunningAgent, startAgent } from "@heddle/agent";
import { identityConfigMap } from "@heddle/injection";
import {
  definedKinds,
  definitionOf,
  webhookConfigurations,
} from "../../packages/kube/src/index.ts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseAgentOptions } from "../../agent/src/options.ts";
import { until } from "../../agent/src/testing/envoy-pod.ts";
import { freePorts } from "../../agent/src/testing/free-ports.ts";
import { type Cluster, startCluster } from "./harness/cluster.ts";
import { importEnvoy, importNodeProgram } from "./harness/images.ts";
import { importCapture } from "./harness/own-images.ts";

/** A cluster starts in half a minute, and in many on a machine that has much else to do. */
const LONG = 900_000;
const APP = "docker.io/heddle-test/app:v1";
const AGENT = "heddle-agent";
const OWN = "heddle-system";
const PORTS = { xds: 15010, webhook: 15017 };

/** `serve` is a web server; `ask` connects in its first moment, says what came, and ends well if that was the server's. */
const PROGRAM = `
const net = process.getBuiltinModule("node:net");
const [, , what, host] = process.argv;
if (what === "ask") {
  const socket = net.connect(80, host, () => socket.write("GET / HTTP/1.1\\r\\nhost: " + host + "\\r\\nconnection: close\\r\\n\\r\\n"));
  let said = "";
  socket.on("data", (chunk) => (said += chunk));
  socket.on("error", (error) => (said += error.message));
  socket.on("close", () => {
    console.log(said.split("\\r\\n")[0], said.endsWith("web") ? "web" : said);
    process.exit(said.startsWith("HTTP/1.1 200") ? 0 : 1);
  });
} else
  process.getBuiltinModule("node:http")
    .createServer((request, response) => response.end("web"))
    .listen(8080, "0.0.0.0");
`;

const QUIET = {
  ...{ info() {}, warn() {} },
  error: (message: string, fields?: object) => console.error(message, fields),
};

let folder: string;
let cluster: Cluster;
let agent: RunningAgent | undefined;

const inShop = (name: string) => ({ name, namespace: "shop" });
const container = (name: string, ...args: string[]) => ({
  ...{ name, image: APP, imagePullPolicy: "Never", args },
});

describe("a namespace whose pods are injected, in STRICT", () => {
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "heddle-injection-"));
    cluster = await startCluster({ state: path.join(folder, "cluster") });
    const { state, kubectl, network } = cluster;
    const program = path.join(folder, "program");
    await mkdir(program);
    await writeFile(path.join(program, "app.mjs"), PROGRAM);
    await importNodeProgram(state, { name: APP, folder: program, main: "app.mjs" });
    await importEnvoy(state);
    await importCapture(state);
    await kubectl.apply(
      ...definedKinds
        .filter(({ kind }) => ["PeerAuthentication", "Fallback"].includes(kind))
        .map(definitionOf),
      { apiVersion: "v1", kind: "Namespace", metadata: { name: OWN } },
      {
        ...{ apiVersion: "v1", kind: "Namespace" },
        metadata: { name: "shop", labels: { "istio-injection": "enabled" } },
      },
      ...agentAt(network.host),
      identityConfigMap("shop", "") as object,
    );
    await kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s");
    const [metrics = 0] = await freePorts(1);
    const flags = {
      ...{ standalone: true, kubeconfig: cluster.kubeconfig, state: path.join(folder, "agent") },
      ...{ metrics: `127.0.0.1:${metrics}`, roles: "control" },
      xds: `${network.host}:${PORTS.xds}`,
      webhook: `${network.host}:${PORTS.webhook}`,
    };
    const env = { POD_NAME: `${AGENT}-1`, POD_NAMESPACE: OWN };
    agent = await startAgent(parseAgentOptions(flags, env), QUIET);
    await kubectl.apply(
      {
        ...{ apiVersion: "security.istio.io/v1", kind: "PeerAuthentication" },
        ...{ metadata: inShop("default"), spec: { mtls: { mode: "STRICT" } } },
      },
      ...webhookConfigurations({ namespace: OWN, revision: "default", isDefault: true }),
    );
    const bundles = [
      ...["get", "mutatingwebhookconfiguration", "heddle-injector"],
      ...["-o", "jsonpath={.webhooks[*].clientConfig.caBundle}"],
    ];
    await until(async () => (await kubectl(...bundles)) !== "", 60_000);
  }, LONG);
  afterAll(async () => {
    await agent?.close();
    await cluster?.down();
    await rm(folder, { recursive: true, force: true });
  }, LONG);

  it(
    "runs a Deployment with native sidecars, whose probes are answered and whom nobody else reaches",
    async () => {
      const { kubectl } = cluster;
      const labels = { app: "web" };
      const web = {
        ...container("web", "serve"),
        ports: [{ name: "http", containerPort: 8080 }],
        readinessProbe: { httpGet: { path: "/", port: "http" }, periodSeconds: 1 },
        livenessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 2 },
      };
      await kubectl.apply(
        {
          ...{ apiVersion: "v1", kind: "Service", metadata: inShop("web") },
          spec: { selector: labels, ports: [{ name: "http", port: 80, targetPort: 8080 }] },
        },
        {
          ...{ apiVersion: "apps/v1", kind: "Deployment", metadata: inShop("web") },
          spec: {
            ...{ replicas: 1, selector: { matchLabels: labels } },
            template: { metadata: { labels }, spec: { containers: [web] } },
          },
        },
      );
      const rolled = ["rollout", "status", "deployment/web", "-n", "shop", "--timeout=180s"];
      await kubectl(...rolled).catch(failing("app=web"));
      const [pod] = await podsOf("app=web");
      expect(
        pod?.spec.initContainers.map(({ name, restartPolicy }) => [name, restartPolicy]),
      ).toEqual([
        ["heddle-init", undefined],
        ["istio-proxy", "Always"],
      ]);
      const [proxy] = (pod?.status.initContainerStatuses ?? []).filter(
        ({ name }) => name === "istio-proxy",
      );
      expect(proxy).toMatchObject({ ready: true, restartCount: 0 });
      // Past the proxy by the pod's own address, in plaintext, from the machine: as nobody of the mesh would.
      const stranger = fetch(`http://${pod?.status.podIP}:8080/`, {
        signal: AbortSignal.timeout(3000),
      });
      await expect(stranger).rejects.toThrow();
    },
    LONG,
  );

  it(
    "completes a Job whose init container reaches the network, and whose application does in its first moment",
    async () => {
      const { kubectl } = cluster;
      const name = "first";
      await kubectl.apply({
        ...{ apiVersion: "batch/v1", kind: "Job", metadata: inShop(name) },
        spec: {
          backoffLimit: 0,
          template: {
            metadata: { labels: { app: name } },
            spec: {
              restartPolicy: "Never",
              initContainers: [container("before", "ask", "web")],
              containers: [container("app", "ask", "web")],
            },
          },
        },
      });
      const complete = [
        "wait",
        "--for=condition=complete",
        `job/${name}`,
        "-n",
        "shop",
        "--timeout=120s",
      ];
      await kubectl(...complete).catch(failing("app=first"));
      for (const each of ["before", "app"])
        expect(await kubectl("logs", `job/${name}`, "-n", "shop", "-c", each)).toBe(
          "HTTP/1.1 200 OK web\n",
        );
    },
    LONG,
  );

  it(
    "starts pods of other namespaces while no agent is there, and none without the proxy that it is to have",
    async () => {
      const { kubectl } = cluster;
      await agent?.close();
      agent = undefined;
      const pod = (namespace: string) => ({
        ...{ apiVersion: "v1", kind: "Pod", metadata: { name: "late", namespace } },
        spec: { restartPolicy: "Never", containers: [container("late", "serve")] },
      });
      await kubectl.apply(pod("default"));
      await kubectl("wait", "--for=condition=Ready", "pod/late", "--timeout=60s");
      await expect(kubectl.apply(pod("shop"))).rejects.toThrow(/failed calling webhook/);
    },
    LONG,
  );

  interface PodSeen {
    readonly spec: {
      readonly initContainers: readonly {
        readonly name: string;
        readonly restartPolicy?: string;
      }[];
    };
    readonly status: {
      readonly podIP: string;
      readonly initContainerStatuses: readonly { readonly name: string }[];
    };
  }
  async function podsOf(selector: string): Promise<PodSeen[]> {
    const text = await cluster.kubectl("get", "pods", "-n", "shop", "-l", selector, "-o", "json");
    return (JSON.parse(text) as { items: PodSeen[] }).items;
  }

  /** What failed, with what the cluster says of it. */
  const failing = (selector: string) => async (error: unknown) => {
    const { kubectl } = cluster;
    const of = ["-n", "shop", "-l", selector];
    const told = await Promise.all([
      kubectl("describe", "pods", ...of),
      kubectl("logs", ...of, "--all-containers", "--tail=40").catch(String),
    ]);
    throw new Error(`${String(error)}\n${told.join("\n")}`);
  };
});

/** The agent's Service, the address behind it, and what proxies are told: no TLS of the agent is looked at here. */
function agentAt(address: string): object[] {
  const ports = [
    { name: "grpc-xds", port: PORTS.xds, targetPort: PORTS.xds },
    { name: "https-webhook", port: 443, targetPort: PORTS.webhook },
  ];
  const settings = {
    agent: { xdsPort: PORTS.xds, security: "plaintext" },
    ...{ imagePullPolicy: "Never", resources: { requests: { cpu: "10m", memory: "64Mi" } } },
  };
  return [
    {
      ...{ apiVersion: "v1", kind: "Service", metadata: { name: AGENT, namespace: OWN } },
      spec: { ports },
    },
    {
      ...{ apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", addressType: "IPv4" },
      metadata: {
        ...{ name: `${AGENT}-outside`, namespace: OWN },
        labels: { "kubernetes.io/service-name": AGENT },
      },
      ports: ports.map(({ name, targetPort }) => ({ name, port: targetPort, protocol: "TCP" })),
      endpoints: [{ addresses: [address], conditions: { ready: true } }],
    },
    {
      ...{ apiVersion: "v1", kind: "ConfigMap" },
      metadata: { name: "heddle-injection", namespace: OWN },
      data: { settings: JSON.stringify(settings) },
    },
  ];
}
