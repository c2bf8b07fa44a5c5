/**
 * What injection makes, as a cluster would run it but for Kubernetes: each pod in a network of its own, its iptables by the init
 * container's own words, stock Envoy on the arguments that stand in the pod, as the user that they name. The agent takes streams by
 * TLS and with the pod's token alone: an Envoy in front of it sees to that.
 */
import { mkdtemp, rename, rm, writeFile, chmod, mkdir } from "node:fs/promises";
import { request } from "node:http";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Bootstrap } from "@heddle/envoy/config/bootstrap/v3";
import { defaultOptions, deployGateway, IDENTITY_FOLDER, inject } from "@heddle/injection";
import type { GatewayApi } from "@heddle/model";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import {
  argumentsOf,
  identityFolder,
  proxyOf,
} from "../../packages/injection/src/testing/expand.ts";
import type { Container, Handler, PodTemplate } from "../../packages/injection/src/pod.ts";
import { createAuthority, type Leaf } from "../harness/certificates.ts";
import { startDnsServer } from "../harness/dns-server.ts";
import { type RunningEnvoy, startEnvoy } from "../harness/envoy-process.ts";
import { startFileAgent } from "../harness/file-agent.ts";
import { gatewayApi } from "../harness/objects.ts";
import {
  createPodNetwork,
  type NetworkPod,
  podNetworkProblem,
  type PodNetwork,
  type Started,
} from "../harness/pod-network.ts";
import { until } from "../harness/plane-process.ts";

const problem = await podNetworkProblem();
if (problem !== undefined && process.env["CI"]) throw new Error(`no networks of pods: ${problem}`);
const PREFIX = "10.206.77";
const CLUSTER_IP = "10.206.78.10";
const TOKEN = "the-pods-own-token";
const MESH = { rootNamespace: "istio-system", clusterDomain: "cluster.local" };
const { host: AGENT } = defaultOptions.agent;
/** Envoy's user in the pod. */
const PROXY = 1337;

/** Whose questions to resolvers come to the proxy. */
const ASKS_PROXY = {
  "proxy.istio.io/config": 'proxyMetadata: { ISTIO_META_DNS_CAPTURE: "true" }',
};

const WEB: PodTemplate = {
  metadata: { name: "web-1", labels: { app: "web" }, annotations: ASKS_PROXY },
  spec: {
    serviceAccountName: "web",
    containers: [
      {
        name: "web",
        ports: [{ name: "http", containerPort: 8080 }],
        readinessProbe: {
          httpGet: {
            path: "/healthz?deep=$(date)",
            port: "http",
            httpHeaders: [{ name: "x-probe", value: "1" }],
          },
        },
        livenessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 },
      },
    ],
  },
};
const CLIENT: PodTemplate = {
  metadata: {
    name: "client-1",
    labels: { app: "client" },
    annotations: {
      // The older kind of sidecar, whose application waits by a hook.
      "sidecar.istio.io/nativeSidecar": "false",
      ...ASKS_PROXY,
    },
  },
  spec: { serviceAccountName: "client", containers: [{ name: "client" }] },
};

/** What the pods' resolver knows; all other names are none of its. */
const OUTSIDE = { "outside.example": ["192.0.2.7"] };
const DNS_PORT = 53;

const APPLICATION = `
require("node:http").createServer((request, response) => {
  response.setHeader("x-url", request.url);
  response.setHeader("x-probe", request.headers["x-probe"] ?? "");
  response.end("web");
}).listen(8080, "0.0.0.0", () => console.log("listens"));
`;

/** Prints the status and the body of one request. */
const ask = (url: string) => `
fetch(${JSON.stringify(url)}, { signal: AbortSignal.timeout(5000) })
  .then(async (response) => console.log(response.status, await response.text()))
  .catch((error) => console.log("failed", error.cause?.code ?? error.message));
`;

/** Prints what an application learns of names: each as `getaddrinfo` has it, or why not. */
const lookUp = (...names: readonly string[]) => `
const { lookup } = require("node:dns").promises;
Promise.all(${JSON.stringify(names)}.map((name) => lookup(name, { all: true })
  .then((all) => all.map(({ address }) => address).join(), (error) => error.code)))
  .then((answers) => console.log(answers.join(" ")));
`;

/** Prints what resolvers say of a name's records, or why not. */
const records = (name: string, type: string) => `
require("node:dns").promises.resolve(${JSON.stringify(name)}, ${JSON.stringify(type)})
  .then((found) => console.log(found.join()), (error) => console.log(error.code));
`;

/** Prints what a server says first. */
const hear = (host: string, port: number) => `
const socket = require("node:net").connect(${port}, ${JSON.stringify(host)});
socket.setTimeout(5000, () => socket.destroy());
socket.on("data", (data) => { console.log(String(data)); socket.destroy(); });
socket.on("error", (error) => console.log(error.code));
`;

describe.skipIf(problem !== undefined)(`injected pods${problem ? ` (${problem})` : ""}`, () => {
  let folder: string;
  let network: PodNetwork;
  let envoy: string;
  let agent: Awaited<ReturnType<typeof startFileAgent>>;
  let front: RunningEnvoy;
  let roots: string;
  let web: NetworkPod;
  let client: NetworkPod;
  let edge: NetworkPod;
  let application: Started;
  let endResolver: (() => Promise<void>) | undefined;
  const servers: Server[] = [];
  let webPod: PodTemplate;
  let clientPod: PodTemplate;
  let gatewayTemplate: PodTemplate;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "heddle-injected-"));
    // The proxies' own user reads in it.
    await chmod(folder, 0o755);
    network = await createPodNetwork(PREFIX);
    envoy = await network.executable(process.env["HEDDLE_ENVOY"] ?? "envoy");
    [web, client, edge] = (await Promise.all(
      [2, 3, 4].map((number) =>
        network.pod(number, { resolver: network.host, dual: number === 2 }),
      ),
    )) as [NetworkPod, NetworkPod, NetworkPod];
    webPod = injected(WEB);
    clientPod = injected(CLIENT);
    gatewayTemplate = gatewayPod();
    const config = join(folder, "config");
    await mkdir(config);
    await writeFile(
      join(config, "mesh.yaml"),
      objects()
        .map((each) => stringify(each))
        .join("---\n"),
    );
    const authority = await createAuthority();
    roots = authority.certificate;
    const leaf = await authority.issue(AGENT);
    agent = await startFileAgent(folder, config, network.host);
    endResolver = await startDnsServer(network.host, OUTSIDE, { port: DNS_PORT });
    for (const [index, name] of DATABASES.entries())
      servers.push(await startGreeter(name, network.host, DATABASE_PORT + index));
    front = await startEnvoy(frontOf(network.host, leaf));
    application = web.start([process.execPath, "-e", APPLICATION]);
    await until(
      () => Promise.resolve(application.output().includes("listens")),
      20_000,
      () => "the application",
    );
  });
  afterAll(async () => {
    for (const server of servers) server.close();
    await endResolver?.();
    await front?.stop();
    await agent?.stop();
    await network?.close();
    await rm(folder, { recursive: true, force: true });
  });

  function injected(pod: PodTemplate): PodTemplate {
    const made = inject(
      { pod, namespace: { name: "default", labels: { "istio-injection": "enabled" } }, mesh: MESH },
      { ...defaultOptions, resources: {} },
    );
    if (!made.injected) throw new Error(JSON.stringify(made));
    expect(made.findings).toEqual([]);
    return made.pod;
  }

  function gatewayPod(): PodTemplate {
    const made = deployGateway({ gateway: GATEWAY, mesh: MESH }, defaultOptions);
    if (!made.deployed) throw new Error(JSON.stringify(made));
    const [, deployment] = made.objects as { spec: { template: PodTemplate } }[];
    return deployment?.spec.template ?? {};
  }

  const GATEWAY = gatewayApi<GatewayApi.Gateway>("Gateway", "edge", {
    gatewayClassName: "heddle",
    listeners: [{ name: "http", port: 80, protocol: "HTTP" }],
    infrastructure: { labels: { team: "edge" } },
  });

  function objects(): readonly object[] {
    const running = (pod: PodTemplate, name: string, { ip, ip6 }: NetworkPod) => ({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { ...pod.metadata, name, namespace: "default" },
      spec: pod.spec,
      status: {
        phase: "Running",
        podIP: ip,
        podIPs: [{ ip }, ...(ip6 === undefined ? [] : [{ ip: ip6 }])],
        conditions: [{ type: "Ready", status: "True" }],
      },
    });
    const { spec, metadata, apiVersion, kind } = GATEWAY;
    return [
      running(webPod, "web-1", web),
      running(clientPod, "client-1", client),
      running(gatewayTemplate, "edge-1", edge),
      {
        apiVersion: "v1",
        kind: "Service",
        metadata: { name: "web", namespace: "default" },
        spec: {
          clusterIP: CLUSTER_IP,
          selector: { app: "web" },
          ports: [{ name: "http", port: 80, targetPort: 8080 }],
        },
      },
      {
        apiVersion: "discovery.k8s.io/v1",
        kind: "EndpointSlice",
        metadata: {
          name: "web-1",
          namespace: "default",
          labels: { "kubernetes.io/service-name": "web" },
        },
        addressType: "IPv4",
        ports: [{ name: "http", port: 8080, protocol: "TCP" }],
        endpoints: [
          {
            addresses: [web.ip],
            conditions: { ready: true },
            targetRef: { kind: "Pod", name: "web-1", namespace: "default" },
          },
        ],
      },
      {
        apiVersion: "security.istio.io/v1",
        kind: "PeerAuthentication",
        metadata: { name: "default", namespace: "default" },
        spec: { mtls: { mode: "STRICT" } },
      },
      ...DATABASES.map((name, index) => ({
        apiVersion: "networking.istio.io/v1",
        kind: "ServiceEntry",
        metadata: { name, namespace: "default" },
        spec: {
          hosts: [`${name}.example`],
          ports: [{ number: DATABASE_PORT, name: "tcp", protocol: "TCP" }],
          resolution: "STATIC",
          endpoints: [{ address: network.host, ports: { tcp: DATABASE_PORT + index } }],
        },
      })),
      { apiVersion, kind, metadata: { name: metadata.name, namespace: "default" }, spec },
      {
        apiVersion: "gateway.networking.k8s.io/v1",
        kind: "HTTPRoute",
        metadata: { name: "web", namespace: "default" },
        spec: {
          parentRefs: [{ name: "edge" }],
          rules: [{ backendRefs: [{ name: "web", port: 80 }] }],
        },
      },
    ];
  }

  /** As kubelet does: the volume, the init container, the proxy. */
  async function start(pod: NetworkPod, template: PodTemplate, name: string, token = TOKEN) {
    const identity = await identityFolder(folder, roots, token);
    await chmod(identity, 0o755);
    const { initContainers = [], serviceAccountName = "default" } = template.spec ?? {};
    for (const init of initContainers.filter(({ name: of }) => of === "heddle-init"))
      await capture(pod, init);
    const container = proxyOf(template.spec ?? {});
    if (container === undefined) throw new Error("no proxy");
    const facts = {
      ...{ name, namespace: "default", ip: pod.ip, serviceAccount: serviceAccountName },
      ips: pod.ip6 === undefined ? [pod.ip] : [pod.ip, pod.ip6],
    };
    const args = argumentsOf(container, facts).map((argument) =>
      argument
        .replaceAll(IDENTITY_FOLDER, identity)
        // There is no DNS of a cluster here.
        .replaceAll(`"${AGENT}.cluster.local"`, `"${network.host}"`),
    );
    // Pods of one machine: as many threads as would have one.
    const proxy = pod.start(
      [
        envoy,
        ...args,
        "--concurrency",
        "1",
        "--base-id",
        String(3000 + Number(pod.ip.split(".")[3])),
      ],
      PROXY,
    );
    return { proxy, container, identity };
  }

  async function capture(pod: NetworkPod, { command = [], args = [], env = [] }: Container) {
    await pod.run(
      [...command, ...args],
      Object.fromEntries(env.map(({ name, value = "" }) => [name, value])),
    );
  }

  const ready = (pod: NetworkPod) =>
    get(`http://${pod.ip}:15021/healthz/ready`).then(({ status }) => status === 200);

  test("a proxy waits for a token that the agent takes, and with it the application; the next token is enough", async () => {
    const { proxy, container, identity } = await start(client, clientPod, "client-1", "of-another");
    const hook = hookOf(container.lifecycle?.postStart);
    const holding = client.start(hook, PROXY);
    // The agent's answer to a stranger: UNAUTHENTICATED.
    await until(() => Promise.resolve(/closed: 16/.test(proxy.output())), 30_000, proxy.output);
    await new Promise((resolve) => setTimeout(resolve, 2000));
    expect(await ready(client)).toBe(false);
    expect(await Promise.race([holding.exited, Promise.resolve("waits")])).toBe("waits");
    // As kubelet renews it: moved into place.
    await writeFile(join(identity, "..token"), TOKEN);
    await rename(join(identity, "..token"), join(identity, "token"));
    await until(() => ready(client), 30_000, proxy.output);
    expect(await holding.exited).toBe(0);
  });

  test("an application that knows nothing of it calls a cluster address, by mutual TLS", async () => {
    const { proxy } = await start(web, webPod, "web-1");
    await until(() => ready(web), 30_000, proxy.output);
    const call = (pod: NetworkPod, url: string) => pod.run([process.execPath, "-e", ask(url)]);
    await expect
      .poll(() => call(client, `http://${CLUSTER_IP}/`), { timeout: 30_000 })
      .toBe("200 web\n");
    // Nobody else gets in, though the application listens on every address.
    expect((await get(`http://${web.ip}:8080/`)).status).toBe(0);
    // The application to itself, by its own loopback and by the pod's address.
    expect(await call(web, "http://127.0.0.1:8080/")).toBe("200 web\n");
    expect(await call(web, `http://${web.ip}:8080/`)).toBe("200 web\n");
  });

  test("an application that asks for names is answered by its proxy, and by its own resolver where that does not know them", async () => {
    const runs = (script: string) =>
      client.run([process.execPath, "-e", script]).then((text) => text.trim());
    const [first, second] = (
      await runs(lookUp(...DATABASES.map((name) => `${name}.example`)))
    ).split(" ");
    expect(first).toMatch(/^240\.240\./);
    expect(second).toMatch(/^240\.240\./);
    expect(second).not.toBe(first);
    expect(await runs(lookUp("web", "web.default", "WEB.default.svc.cluster.local"))).toBe(
      [CLUSTER_IP, CLUSTER_IP, CLUSTER_IP].join(" "),
    );
    expect(await runs(lookUp("outside.example", "nobody.example"))).toBe("192.0.2.7 ENOTFOUND");
    // Questions of other kinds, and for the other family, never come to Envoy: it would deny that there is the name.
    expect(await runs(records("outside.example", "TXT"))).toBe("ENODATA");
    expect(await runs(records("outside.example", "AAAA"))).toBe("ENODATA");
    expect(await runs(records("outside.example", "A"))).toBe("192.0.2.7");
    // Both are on one port, and nothing but the addresses that they were given tells them apart.
    for (const name of DATABASES)
      expect(await runs(hear(`${name}.example`, DATABASE_PORT))).toBe(name);
    expect(await runs(ask("http://web/"))).toBe("200 web");
    // Nothing of it in a pod that has not asked for it.
    const asked = lookUp("web.default.svc.cluster.local", "outside.example");
    expect(await edge.run([process.execPath, "-e", asked])).toBe("ENOTFOUND 192.0.2.7\n");
  });

  test("in a pod of both families names have addresses of both, and what goes there is led to its proxy", async () => {
    if (web.ip6 === undefined) return;
    const runs = (script: string) =>
      web.run([process.execPath, "-e", script]).then((text) => text.trim());
    const [name] = DATABASES.map((each) => `${each}.example`) as [string];
    const [v4, v6] = [await runs(records(name, "A")), await runs(records(name, "AAAA"))];
    expect(v4).toMatch(/^240\.240\./);
    expect(v6).toMatch(/^2001:2::/);
    // Nothing but the proxy knows the way to either.
    for (const address of [v4, v6])
      expect(await runs(hear(address, DATABASE_PORT))).toBe(DATABASES[0]);
    expect(await runs(lookUp("web"))).toBe(CLUSTER_IP);
  });

  test("a pod's many questions are all answered, though its proxy asks from ports that they came from just before", async () => {
    await client.run(["sysctl", "-qw", "net.ipv4.ip_local_port_range=40000 40199"]);
    const answers = await client.run([process.execPath, "-e", MANY]);
    await client.run(["sysctl", "-qw", "net.ipv4.ip_local_port_range=32768 60999"]);
    expect(answers).toBe("2000 of 2000\n");
  });

  test("kubelet's probes are answered for the application, and nothing else is let through", async () => {
    const [container] = webPod.spec?.containers ?? [];
    const url = ({ httpGet }: Handler = {}) => `http://${web.ip}:${httpGet?.port}${httpGet?.path}`;
    const readiness = await get(url(container?.readinessProbe), { "x-probe": "1" });
    expect(readiness).toMatchObject({ status: 200, body: "web" });
    expect(readiness.headers).toMatchObject({ "x-url": "/healthz?deep=$(date)", "x-probe": "1" });
    await expect.poll(async () => (await get(url(container?.livenessProbe))).status).toBe(200);
    expect((await get(`http://${web.ip}:15020/healthz`)).status).toBe(404);
    await application.stop();
    expect((await get(url(container?.readinessProbe))).status).toBe(503);
    await expect.poll(async () => (await get(url(container?.livenessProbe))).status).toBe(503);
    application = web.start([process.execPath, "-e", APPLICATION]);
    await expect.poll(async () => (await get(url(container?.livenessProbe))).status).toBe(200);
  });

  test("a Gateway's own pod serves it on a low port, as a user that is not root, and drains when it ends", async () => {
    for (const { name, value } of sysctls(gatewayTemplate))
      await edge.run(["sysctl", "-qw", `${name}=${value}`]);
    expect(gatewayTemplate.metadata?.labels).toMatchObject({ team: "edge" });
    const { proxy, container } = await start(edge, gatewayTemplate, "edge-1");
    await until(() => ready(edge), 30_000, proxy.output);
    const url = `http://${edge.ip}/`;
    await expect.poll(async () => (await get(url)).body, { timeout: 30_000 }).toBe("web");
    expect((await get(url)).headers.connection).not.toBe("close");
    const ending = edge.start(hookOf(container.lifecycle?.preStop), PROXY);
    await expect.poll(async () => (await get(url)).headers.connection).toBe("close");
    expect((await get(url)).status).toBe(200);
    expect(await Promise.race([ending.exited, Promise.resolve("waits")])).toBe("waits");
    expect(await ending.exited).toBe(0);
  });
});

/** Asks for names, each from a port of its own. */
const MANY = `
const { Resolver } = require("node:dns").promises;
const ask = async (count) => {
  let right = 0;
  for (let each = 0; each < count; each++) {
    const resolver = new Resolver({ timeout: 4000, tries: 1 });
    const [name, wanted] = each % 2 === 0
      ? ["outside.example", "192.0.2.7"]
      : ["web.default.svc.cluster.local", "${CLUSTER_IP}"];
    const found = await resolver.resolve4(name).catch(() => []);
    if (found.join() === wanted) right += 1;
  }
  return right;
};
Promise.all(Array.from({ length: 20 }, () => ask(100)))
  .then((all) => console.log(all.reduce((a, b) => a + b), "of 2000"));
`;

const DATABASES = ["orders", "stock"];
const DATABASE_PORT = 13_306;

/** Says who it is to whoever connects. */
function startGreeter(name: string, address: string, port: number): Promise<Server> {
  const server = createServer((socket) => socket.on("error", () => socket.destroy()).end(name));
  return new Promise((resolve) => server.listen(port, address, () => resolve(server)));
}

function hookOf(handler: Handler | undefined): readonly string[] {
  return handler?.exec?.command ?? ["false"];
}

function sysctls({ spec }: PodTemplate): readonly { name: string; value: string }[] {
  return (spec?.securityContext as { sysctls?: { name: string; value: string }[] })?.sysctls ?? [];
}

interface Answer {
  /** 0: none came. */
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, unknown>>;
}

/** From the host, as kubelet and strangers ask; connections are kept, so that a server may end them. */
function get(url: string, headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve) => {
    const call = request(
      url,
      { headers: { ...headers, connection: "keep-alive" }, timeout: 3000 },
      (response) => {
        let body = "";
        response.on("data", (chunk: Buffer) => (body += chunk.toString()));
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, body, headers: response.headers }),
        );
      },
    );
    call.on("timeout", () => call.destroy(new Error("no answer")));
    call.on("error", (error) => resolve({ status: 0, body: String(error), headers: {} }));
    call.end();
  });
}

/** In front of the agent: TLS with its name, and no request without the token. */
function frontOf(address: string, { chain, key }: Leaf): Bootstrap {
  const typed = (type: string, fields: object) => ({
    "@type": `type.googleapis.com/${type}`,
    ...fields,
  });
  const manager =
    "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
  const http2 = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
  return {
    admin: { address: { socketAddress: { address, portValue: 15000 } } },
    staticResources: {
      listeners: [
        {
          name: "agent",
          address: { socketAddress: { address, portValue: 15012 } },
          filterChains: [
            {
              transportSocket: {
                name: "envoy.transport_sockets.tls",
                typedConfig: typed(
                  "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
                  {
                    commonTlsContext: {
                      alpnProtocols: ["h2"],
                      tlsCertificates: [
                        {
                          certificateChain: { inlineString: chain },
                          privateKey: { inlineString: key },
                        },
                      ],
                    },
                  },
                ),
              },
              filters: [
                {
                  name: "envoy.filters.network.http_connection_manager",
                  typedConfig: typed(manager, {
                    statPrefix: "agent",
                    streamIdleTimeout: "0s",
                    routeConfig: {
                      virtualHosts: [
                        {
                          name: "agent",
                          domains: ["*"],
                          routes: [
                            {
                              match: {
                                prefix: "/",
                                headers: [
                                  {
                                    name: "authorization",
                                    stringMatch: { exact: `Bearer ${TOKEN}` },
                                  },
                                ],
                              },
                              route: { cluster: "agent", timeout: "0s" },
                            },
                            { match: { prefix: "/" }, directResponse: { status: 401 } },
                          ],
                        },
                      ],
                    },
                    httpFilters: [
                      {
                        name: "envoy.filters.http.router",
                        typedConfig: typed("envoy.extensions.filters.http.router.v3.Router", {}),
                      },
                    ],
                  }),
                },
              ],
            },
          ],
        },
      ],
      clusters: [
        {
          name: "agent",
          type: "STATIC",
          typedExtensionProtocolOptions: {
            [http2]: typed(http2, { explicitHttpConfig: { http2ProtocolOptions: {} } }),
          },
          loadAssignment: {
            clusterName: "agent",
            endpoints: [
              {
                lbEndpoints: [
                  { endpoint: { address: { socketAddress: { address, portValue: 15010 } } } },
                ],
              },
            ],
          },
        },
      ],
    },
  };
}
