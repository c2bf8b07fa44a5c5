/**
 * A cluster whose pods are injected by the agent's own webhook and served by TLS for their tokens, where mutual TLS alone is taken: what
 * people deploy runs as it is.
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { INSTALL_NAMESPACE } from "@heddle/kube";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Cluster, startCluster } from "./harness/cluster.ts";
import { importEnvoy, importNodeProgram } from "./harness/images.ts";
import { installAgent } from "./harness/install-agent.ts";

/** A cluster starts in half a minute, and in many on a machine that has much else to do. */
const LONG = 900_000;
const APP = "docker.io/heddle-test/app:v1";

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

let folder: string;
let cluster: Cluster;

const inShop = (name: string) => ({ name, namespace: "shop" });
const container = (name: string, ...args: string[]) => ({
  ...{ name, image: APP, imagePullPolicy: "Never", args },
});

describe("a namespace whose pods are injected, in STRICT", () => {
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "heddle-injection-"));
    cluster = await startCluster({ state: path.join(folder, "cluster") });
    const { state, kubectl } = cluster;
    const program = path.join(folder, "program");
    await mkdir(program);
    await writeFile(path.join(program, "app.mjs"), PROGRAM);
    await importNodeProgram(state, { name: APP, folder: program, main: "app.mjs" });
    await importEnvoy(state);
    const little = { requests: { cpu: "10m", memory: "64Mi" } };
    await installAgent(cluster, {
      agent: { replicas: 1, resources: little },
      injection: { resources: little },
    });
    await kubectl.apply(
      {
        ...{ apiVersion: "v1", kind: "Namespace" },
        metadata: { name: "shop", labels: { "istio-injection": "enabled" } },
      },
      {
        ...{ apiVersion: "security.istio.io/v1", kind: "PeerAuthentication" },
        ...{ metadata: inShop("default"), spec: { mtls: { mode: "STRICT" } } },
      },
    );
    await kubectl(
      ...["wait", "mutatingwebhookconfiguration/heddle-injector", "--timeout=60s"],
      "--for=jsonpath={.webhooks[0].clientConfig.caBundle}",
    );
  }, LONG);
  afterAll(async () => {
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
      const of = ["-n", INSTALL_NAMESPACE];
      await kubectl("scale", ...of, "deployment/heddle-agent", "--replicas=0");
      await kubectl("wait", ...of, "--for=delete", "pod", "--all", "--timeout=120s");
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
