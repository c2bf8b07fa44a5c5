/** For tests: a pod on loopback, its application in this process, a real Envoy as its sidecar, and its Kubernetes objects. */
import { type ChildProcess, spawn } from "node:child_process";
import { createServer, type IncomingHttpHeaders, request, type Server } from "node:http";
import { bootstrap } from "@heddle/translate";

export interface PodOptions {
  readonly name: string;
  readonly app: string;
  /** The sidecar's address; the application listens on `appAddress`. */
  readonly address: string;
  readonly appAddress: string;
  readonly port: number;
  /** Besides `app` and `version`. */
  readonly labels?: Readonly<Record<string, string>>;
  /** A gateway; a sidecar otherwise. */
  readonly router?: boolean;
  /** Seconds after which Envoy closes what it has of a filter chain that has changed; its own default without it. */
  readonly drainSeconds?: number;
  /** Told of what its application is asked with. */
  readonly onRequest?: (headers: IncomingHttpHeaders) => void;
}

export interface EnvoyPod extends PodOptions {
  readonly document: object;
  startEnvoy(xdsPort: number): Promise<void>;
  /** SIGKILL. */
  stopEnvoy(): Promise<void>;
  /** Calls a service as the application would: through the sidecar's HTTP proxy port. */
  call(host: string, path?: string): Promise<{ status: number; body: string }>;
  /** The same, with the response's headers. */
  get(
    host: string,
    path?: string,
  ): Promise<{ status: number; body: string; headers: IncomingHttpHeaders }>;
  /** Serial numbers of the certificates that Envoy holds. */
  serials(): Promise<string>;
  close(): Promise<void>;
}

const PROXY_PORT = 15001;
const ADMIN_PORT = 15000;

export async function startPod(options: PodOptions, envoyBinary: string): Promise<EnvoyPod> {
  const { name, app, address, appAddress, port, router = false } = options;
  const labels = { app, version: "v1", ...options.labels };
  const server: Server = createServer(({ headers }, response) => {
    options.onRequest?.(headers);
    response.end(name);
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(port, appAddress, resolve));
  let envoy: ChildProcess | undefined;
  const stopEnvoy = async () => {
    const child = envoy;
    envoy = undefined;
    if (!child || child.exitCode !== null) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await gone;
  };
  const get: EnvoyPod["get"] = (host, path = "/") =>
    new Promise((resolve) => {
      const call = request(
        {
          host: address,
          port: PROXY_PORT,
          path: `http://${host}${path}`,
          headers: { host },
          agent: false,
        },
        (response) => {
          let body = "";
          response.on("data", (chunk) => (body += chunk));
          response.on("end", () =>
            resolve({ status: response.statusCode ?? 0, body, headers: response.headers }),
          );
        },
      );
      call.on("error", (error) => resolve({ status: 0, body: String(error), headers: {} }));
      call.end();
    });
  return {
    ...options,
    document: {
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        name,
        namespace: "default",
        labels: { ...labels, "security.istio.io/tlsMode": "istio" },
      },
      spec: {
        serviceAccountName: app,
        containers: [{ name: app, image: app, ports: [{ containerPort: port }] }],
      },
      status: {
        phase: "Running",
        podIP: address,
        podIPs: [{ ip: address }],
        conditions: [{ type: "Ready", status: "True" }],
      },
    },
    async startEnvoy(xdsPort) {
      const config = bootstrap({
        node: {
          id: `${router ? "router" : "sidecar"}~${address}~${name}.default~default.svc.cluster.local`,
          cluster: `${app}.default`,
          metadata: {
            NAMESPACE: "default",
            LABELS: labels,
            SERVICE_ACCOUNT: app,
            INSTANCE_IPS: address,
            INTERCEPTION_MODE: "NONE",
            ...(router ? {} : { HTTP_PROXY_PORT: String(PROXY_PORT), APP_ADDRESS: appAddress }),
          },
        },
        xds: { address: "127.0.0.1", port: xdsPort },
        otlp: { address: "127.0.0.1", port: 4 },
        admin: { address, port: ADMIN_PORT },
      });
      const args = [
        "--config-yaml",
        JSON.stringify(config),
        "--concurrency",
        "1",
        "--use-dynamic-base-id",
        "-l",
        "error",
        ...(options.drainSeconds === undefined
          ? []
          : ["--drain-time-s", String(options.drainSeconds), "--drain-strategy", "immediate"]),
      ];
      envoy = spawn(envoyBinary, args, { stdio: ["ignore", "ignore", "inherit"] });
      await until(async () => {
        const response = await fetch(`http://${address}:${ADMIN_PORT}/ready`).catch(
          () => undefined,
        );
        return response?.status === 200;
      }, 20_000);
    },
    stopEnvoy,
    call: async (host, path) => {
      const { status, body } = await get(host, path);
      return { status, body };
    },
    get,
    async serials() {
      const response = await fetch(`http://${address}:${ADMIN_PORT}/certs`);
      const { certificates } = (await response.json()) as {
        certificates: { cert_chain: { serial_number: string }[] }[];
      };
      return [
        ...new Set(
          certificates.flatMap(({ cert_chain }) => cert_chain.map((cert) => cert.serial_number)),
        ),
      ]
        .toSorted()
        .join();
    },
    async close() {
      await stopEnvoy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export function serviceDocument(app: string, port: number): object {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: app, namespace: "default" },
    spec: { selector: { app }, ports: [{ name: "http", port }] },
  };
}

export function sliceDocument(app: string, port: number, pods: readonly PodOptions[]): object {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name: `${app}-1`,
      namespace: "default",
      labels: { "kubernetes.io/service-name": app },
    },
    addressType: "IPv4",
    ports: [{ name: "http", port, protocol: "TCP" }],
    endpoints: pods.map((pod) => ({
      addresses: [pod.address],
      conditions: { ready: true },
      targetRef: { kind: "Pod", name: pod.name, namespace: "default" },
    })),
  };
}

/** Polls until it holds; milliseconds that it took. Throws after `within` milliseconds. */
export async function until(
  check: () => Promise<boolean> | boolean,
  within: number,
): Promise<number> {
  const began = performance.now();
  while (!(await check())) {
    if (performance.now() - began > within)
      throw new Error(`did not come about within ${within} ms`);
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
  return performance.now() - began;
}
