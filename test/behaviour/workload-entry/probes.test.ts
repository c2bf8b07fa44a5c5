/** Probes of WorkloadGroups: the Envoy of a machine asks its application, and who is not well is no endpoint, for the agent's clients. */
import type { Bootstrap } from "@heddle/envoy/config/bootstrap/v3";
import { Server as RpcServer, ServerCredentials } from "@grpc/grpc-js";
import type { ReadinessProbe } from "@heddle/model";
import { bootstrap } from "@heddle/translate";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { createServer as createConnectionServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type RunningAgent, startAgent } from "../../../agent/src/agent.ts";
import { parseAgentOptions } from "../../../agent/src/options.ts";
import { offlineXds } from "../../../apps/cli/src/offline/xds.ts";
import { type Application, listening, startApplication } from "../../harness/application.ts";
import { createAuthority } from "../../harness/certificates.ts";
import {
  envoyBinary,
  type RunningEnvoy,
  startEnvoy,
  validate,
} from "../../harness/envoy-process.ts";
import { object, serviceEntry, workloadEntry, workloadGroup } from "../../harness/objects.ts";
import { until } from "../../harness/plane-process.ts";
import { ask } from "../../harness/request.ts";
import { proves } from "../proves.ts";

const AGENT = "127.214.0.9";
const [CLIENT, MACHINE, LATE] = ["127.214.0.1", "127.214.0.3", "127.214.0.4"];
/** Of the machine's applications: the one that is asked unless a probe says otherwise, and another. */
const [OWN, OTHER, OF_LATE] = ["127.214.1.3", "127.214.2.3", "127.214.1.4"];
const PROXY_PORT = 15001;
const APP = 9080;
/** The agent takes machines that come later than this for new ones, milliseconds. */
const ADOPTS_MS = 10_000;

/** A period of one second unless a probe says otherwise: Istio's ten would take long. */
const PROBES: Readonly<Record<string, ReadinessProbe>> = {
  http: {
    httpGet: {
      path: "/ready",
      port: 9101,
      httpHeaders: [
        { name: "X-Probe", value: "yes" },
        { name: "Host", value: "shop.test" },
      ],
    },
  },
  host: { httpGet: { port: 9102, host: OTHER, scheme: "HTTP" } },
  name: { httpGet: { port: 9111, host: "machine.test", scheme: "" } },
  https: { httpGet: { port: 9103, scheme: "HTTPS" } },
  tcp: { tcpSocket: { port: 9104 } },
  "tcp-host": { tcpSocket: { port: 9105, host: OTHER } },
  grpc: { grpc: { port: 9106, service: "shop" } },
  "grpc-few": { grpc: { port: 9106 }, failureThreshold: 4 },
  few: { httpGet: { port: 9107 }, failureThreshold: 3, successThreshold: 3 },
  patient: { httpGet: { port: 9108 }, timeoutSeconds: 3 },
  hasty: { httpGet: { port: 9108 } },
  seldom: { httpGet: { port: 9109 }, periodSeconds: 3 },
  often: { httpGet: { port: 9109, path: "/often" } },
  late: { httpGet: { port: 9110 }, initialDelaySeconds: 4 },
};

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

// Side by side: each has probes and ports of its own, and waits for its periods.
describe.skipIf(!envoyBinary)("probes of machines", { concurrent: true }, () => {
  const closing: (() => unknown)[] = [];
  const envoys: RunningEnvoy[] = [];
  const applications: Application[] = [];
  let folder: string;
  let agent: RunningAgent;
  let agentSince = 0;
  /** How each port of the machine's applications answers; well unless told otherwise. */
  const answers = new Map<
    number,
    (request: IncomingMessage) => { status: number; delay?: number }
  >();
  /** When it was asked, and for what. */
  const asked: { port: number; url: string; at: number; status: number }[] = [];

  const answering =
    (port: number): RequestListener =>
    (request, response) => {
      const { status, delay = 0 } = answers.get(port)?.(request) ?? { status: 200 };
      asked.push({ port, url: request.url ?? "", at: performance.now(), status });
      setTimeout(() => response.writeHead(status).end(), delay);
    };
  const probed = async (port: number, address = OWN) => {
    const server = createServer(answering(port));
    await listening(server, address, port);
    closing.push(() => (server.closeAllConnections(), server.close()));
  };
  const start = async (name: string, address: string, healthChecks: boolean) => {
    const [a, b, , d] = address.split(".");
    const envoy = await startEnvoy(
      bootstrap({
        node: {
          id: `sidecar~${address}~${name}.default~default.svc.cluster.local`,
          cluster: `${name}.default`,
          metadata: {
            NAMESPACE: "default",
            LABELS: { app: name },
            INSTANCE_IPS: address,
            INTERCEPTION_MODE: "NONE",
            HTTP_PROXY_PORT: String(PROXY_PORT),
            APP_ADDRESS: `${a}.${b}.1.${d}`,
          },
        },
        xds: { address: AGENT, port: 15010 },
        // Nobody listens: logs and spans are another test's concern.
        otlp: { address: AGENT, port: 4 },
        admin: { address, port: 15000 },
        healthChecks,
      }),
    );
    envoys.push(envoy);
    return envoy;
  };
  const entry = (name: string, address: string) =>
    workloadEntry(name, { address }, { annotations: { "istio.io/autoRegistrationGroup": name } });

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "heddle-probes-"));
    await mkdir(path.join(folder, "config"));
    const items = Object.entries(PROBES).flatMap(([name, probe]) => [
      workloadGroup(name, {
        metadata: { labels: { group: name } },
        template: {},
        probe: { periodSeconds: 1, ...probe },
      }),
      entry(name, name === "late" ? LATE : MACHINE),
      serviceEntry(name, {
        hosts: [`${name}.test`],
        ports: [{ number: 8000, name: "http", protocol: "HTTP", targetPort: APP }],
        location: "MESH_INTERNAL",
        resolution: "STATIC",
        workloadSelector: { labels: { group: name } },
      }),
    ]);
    await writeFile(
      path.join(folder, "config", "mesh.json"),
      JSON.stringify({
        apiVersion: "v1",
        kind: "List",
        items: [object("v1", "Namespace", "default", {}), ...items],
      }),
    );
    agent = await startAgent(
      parseAgentOptions({
        standalone: true,
        config: path.join(folder, "config"),
        state: path.join(folder, "state"),
        xds: `${AGENT}:15010`,
        metrics: `${AGENT}:15014`,
        roles: "control",
      }),
      { info() {}, warn() {}, error: (message, fields) => console.error(message, fields) },
    );
    agentSince = performance.now();
    applications.push(await startApplication("machine", OWN, APP));
    applications.push(await startApplication("late", OF_LATE, APP));
    for (const port of [9101, 9107, 9108, 9109, 9111]) await probed(port);
    await probed(9102, OTHER);
    await probed(9110, OF_LATE);
    await start("client", CLIENT, false);
    await start("machine", MACHINE, true);
  });

  afterAll(async () => {
    await Promise.all(envoys.map((envoy) => envoy.stop()));
    await agent?.close();
    await Promise.all(applications.map((application) => application.stop()));
    for (const close of closing) close();
    await rm(folder, { recursive: true, force: true });
  });

  const status = async (name: string) =>
    (await ask(CLIENT, PROXY_PORT, `${name}.test:8000`, "/")).status;
  /** Milliseconds until requests to it come through, or find no endpoint any more. */
  const becomes = async (name: string, wanted: 200 | 503, within = 15_000) => {
    const began = performance.now();
    await until(
      async () => (await status(name)) === wanted,
      within,
      () => `${name} answers ${wanted}; asked: ${JSON.stringify(asked.slice(-10))}`,
    );
    return performance.now() - began;
  };
  const failing = (port: number, code = 503) => answers.set(port, () => ({ status: code }));
  const well = (port: number) => answers.delete(port);

  proves(
    "WorkloadGroup",
    ["probe.httpGet.path", "probe.httpGet.port", "probe.httpGet.httpHeaders[].{name,value}"],
    "a machine whose application does not answer a GET of the path, with the headers, by 200 to 399 is no endpoint until it does",
    async () => {
      answers.set(9101, ({ url, headers }) => ({
        status:
          url === "/ready" && headers["x-probe"] === "yes" && headers.host === "shop.test"
            ? 302
            : 500,
      }));
      const since = asked.length;
      await until(
        () => asked.slice(since).filter(({ port }) => port === 9101).length > 3,
        10_000,
        () => "probes",
      );
      expect(await status("http")).toBe(200);
      failing(9101, 404);
      await becomes("http", 503);
      expect(await status("often")).toBe(200);
      well(9101);
      await becomes("http", 200);
    },
  );

  proves(
    "WorkloadGroup",
    ["probe.httpGet.host", "probe.httpGet.scheme={HTTP,}"],
    "the application is asked at the probe's host, which is an address, or else a name for the machine itself",
    async () => {
      const hosts = new Set<string | undefined>();
      answers.set(9111, ({ headers }) => (hosts.add(headers.host), { status: 503 }));
      failing(9102);
      await becomes("host", 503);
      await becomes("name", 503);
      expect([...hosts]).toEqual(["machine.test:9111"]);
      well(9102);
      well(9111);
      await becomes("host", 200);
      await becomes("name", 200);
    },
  );

  proves(
    "WorkloadGroup",
    ["probe.httpGet.scheme=HTTPS"],
    "the application is asked by TLS, whatever its certificate",
    async () => {
      await becomes("https", 503);
      const { chain, key } = await (await createAuthority()).issue("spiffe://elsewhere/x");
      const server = createSecureServer({ cert: chain, key }, answering(9103));
      await listening(server, OWN, 9103);
      closing.push(() => (server.closeAllConnections(), server.close()));
      await becomes("https", 200);
      failing(9103);
      await becomes("https", 503);
    },
  );

  proves(
    "WorkloadGroup",
    ["probe.tcpSocket.port", "probe.tcpSocket.host"],
    "an application that takes no connection on the port, at the address, is no endpoint until it does",
    async () => {
      for (const [name, address, port] of [
        ["tcp", OWN, 9104],
        ["tcp-host", OTHER, 9105],
      ] as const) {
        await becomes(name, 503);
        const server = createConnectionServer((socket) => socket.on("error", () => {}));
        await listening(server, address, port);
        await becomes(name, 200);
        await stopped(server);
        await becomes(name, 503);
      }
    },
  );

  proves(
    "WorkloadGroup",
    ["probe.grpc.port", "probe.grpc.service"],
    "an application is asked by gRPC's health checks for the service, and has its failures counted",
    async () => {
      await becomes("grpc", 503);
      const services = new Set<string>();
      let serving = true;
      let refusals = 0;
      const server = new RpcServer();
      server.addService(
        { Check: { ...HEALTH_CHECK } },
        {
          Check: (
            { request }: { request: Buffer },
            reply: (error: null, answer: Buffer) => void,
          ) => {
            services.add(request.subarray(2).toString());
            if (!serving && request.length === 0) refusals++;
            reply(null, Buffer.from([8, serving ? 1 : 2]));
          },
        },
      );
      await new Promise<void>((resolve, reject) => {
        server.bindAsync(`${OWN}:9106`, ServerCredentials.createInsecure(), (error) =>
          error ? reject(error) : resolve(),
        );
      });
      closing.push(() => server.forceShutdown());
      await becomes("grpc", 200);
      await becomes("grpc-few", 200);
      expect([...services].toSorted()).toEqual(["", "shop"]);
      serving = false;
      await becomes("grpc", 503);
      expect(await status("grpc-few")).toBe(200);
      await becomes("grpc-few", 503);
      expect(refusals).toBeGreaterThanOrEqual(4);
      serving = true;
      await becomes("grpc", 200);
    },
  );

  proves(
    "WorkloadGroup",
    ["probe.failureThreshold", "probe.successThreshold"],
    "it takes as many failures in a row to be left out, and as many successes to come back",
    async () => {
      const of = (code: number) =>
        asked.filter((each) => each.port === 9107 && each.status === code).length;
      await becomes("few", 200);
      // Twice in a row is one too few.
      let left = 2;
      answers.set(9107, () => ({ status: left-- > 0 ? 503 : 200 }));
      const [bad, good] = [of(503), of(200)];
      await until(
        async () => {
          expect(await status("few")).toBe(200);
          return of(200) >= good + 2;
        },
        15_000,
        () => "two failures and two successes",
      );
      expect(of(503)).toBe(bad + 2);
      failing(9107);
      await becomes("few", 503);
      expect(of(503)).toBeGreaterThanOrEqual(bad + 5);
      const before = of(200);
      well(9107);
      await becomes("few", 200);
      expect(of(200)).toBeGreaterThanOrEqual(before + 3);
    },
  );

  proves(
    "WorkloadGroup",
    ["probe.timeoutSeconds"],
    "an answer that takes longer than the probe's time-out, a second without one, is none",
    async () => {
      answers.set(9108, () => ({ status: 200, delay: 1_800 }));
      await becomes("hasty", 503);
      expect(await status("patient")).toBe(200);
      answers.set(9108, () => ({ status: 200, delay: 4_000 }));
      await becomes("patient", 503);
      well(9108);
      await becomes("patient", 200);
      await becomes("hasty", 200);
    },
  );

  proves(
    "WorkloadGroup",
    ["probe.periodSeconds"],
    "the application is asked once a period",
    async () => {
      const since = asked.length;
      await new Promise((resolve) => setTimeout(resolve, 9_500));
      const of = (url: string) =>
        asked.slice(since).filter((each) => each.port === 9109 && each.url === url).length;
      expect(of("/")).toBeGreaterThanOrEqual(2);
      expect(of("/")).toBeLessThanOrEqual(4);
      expect(of("/often")).toBeGreaterThanOrEqual(6);
    },
  );

  proves(
    "WorkloadGroup",
    ["probe.initialDelaySeconds"],
    "a machine that comes into the mesh is first asked after the delay, and no endpoint until it is well",
    async () => {
      await until(
        () => performance.now() - agentSince > ADOPTS_MS,
        12_000,
        () => "the agent's start is over",
      );
      expect(asked.some(({ port }) => port === 9110)).toBe(false);
      const began = performance.now();
      await start("late", LATE, true);
      await becomes("late", 503, 3_000);
      await becomes("late", 200);
      const [first] = asked.filter(({ port }) => port === 9110);
      expect((first?.at ?? 0) - began).toBeGreaterThanOrEqual(4_000);
    },
  );
});

describe("what an Envoy of a machine starts on", () => {
  const items = [
    workloadGroup("probed", { template: {}, probe: { tcpSocket: { port: 80 } } }),
    workloadGroup("plain", { template: { serviceAccount: "vm" } }),
    ...["probed", "plain"].map((name) =>
      workloadEntry(
        name,
        { address: MACHINE },
        { annotations: { "istio.io/autoRegistrationGroup": name } },
      ),
    ),
  ];
  const file = {
    name: "mesh.json",
    content: JSON.stringify({ apiVersion: "v1", kind: "List", items }),
  };
  const started = (name: string) =>
    offlineXds([file], { proxy: `${name}.default` }).bootstrap() as Bootstrap;

  test("asks the agent what to check where the group has a probe", () => {
    expect(started("probed").node?.id).toBe(
      `sidecar~${MACHINE}~probed.default~default.svc.cluster.local`,
    );
    expect(started("probed").hdsConfig).toMatchObject({ apiType: "GRPC" });
    expect(started("plain").hdsConfig).toBeUndefined();
  });

  test.skipIf(!envoyBinary)("is valid", async () => {
    expect(await validate(started("probed"))).toBe("");
  });
});

function stopped(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}

const identity = (bytes: Buffer): Buffer => bytes;

/** `{ service: 1 }` in, `{ status: 1 }` out. */
const HEALTH_CHECK = {
  path: "/grpc.health.v1.Health/Check",
  requestStream: false,
  responseStream: false,
  requestSerialize: identity,
  requestDeserialize: identity,
  responseSerialize: identity,
  responseDeserialize: identity,
} as const;
