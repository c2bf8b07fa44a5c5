/**
 * What injection makes, as a cluster would run it but for Kubernetes: each pod in a network of its own, its iptables by the init
 * container's own words, stock Envoy on the arguments that stand in the pod, as the user that they name. The agent takes streams by
 * TLS and with the pod's token alone: an Envoy in front of it sees to that.
 */
import { mkdtemp, rename, rm, writeFile, chmod, mkdir } from "node:fs/promises";
import { request } from "node:http";
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

const WEB: PodTemplate = {
  metadata: { name: "web-1", labels: { app: "web" } },
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
    // The older kind of sidecar, whose application waits by a hook.
    annotations: { "sidecar.istio.io/nativeSidecar": "false" },
  },
  spec: { serviceAccountName: "client", containers: [{ name: "client" }] },
};

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
  let webPod: PodTemplate;
  let clientPod: PodTemplate;
  let gatewayTemplate: PodTemplate;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "heddle-injected-"));
    // The proxies' own user reads in it.
    await chmod(folder, 0o755);
    network = await createPodNetwork(PREFIX);
    envoy = await network.executable(process.env["HEDDLE_ENVOY"] ?? "envoy");
    [web, client, edge] = (await Promise.all([2, 3, 4].map((number) => network.pod(number)))) as [
      NetworkPod,
      NetworkPod,
      NetworkPod,
    ];
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
    front = await startEnvoy(frontOf(network.host, leaf));
    application = web.start([process.execPath, "-e", APPLICATION]);
    await until(
      () => Promise.resolve(application.output().includes("listens")),
      20_000,
      () => "the application",
    );
  });
  afterAll(async () => {
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
    const running = (pod: PodTemplate, name: string, ip: string) => ({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { ...pod.metadata, name, namespace: "default" },
      spec: pod.spec,
      status: {
        phase: "Running",
        podIP: ip,
        podIPs: [{ ip }],
        conditions: [{ type: "Ready", status: "True" }],
      },
    });
    const { spec, metadata, apiVersion, kind } = GATEWAY;
    return [
      running(webPod, "web-1", web.ip),
      running(clientPod, "client-1", client.ip),
      running(gatewayTemplate, "edge-1", edge.ip),
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
    const facts = { name, namespace: "default", ip: pod.ip, serviceAccount: serviceAccountName };
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
