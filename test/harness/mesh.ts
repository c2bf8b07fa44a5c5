/** A mesh of one test file: workloads with their Envoys and applications, started before its tests and ended after them. */
import type { Bootstrap } from "@heddle/envoy/config/bootstrap/v3";
import type { Secret } from "@heddle/envoy/extensions/transport_sockets/tls/v3";
import type { MeshObject } from "@heddle/model";
import type { MeshSettings } from "@heddle/translate";
import { afterAll, beforeAll } from "vitest";
import { type Application, startApplication } from "./application.ts";
import { createAuthority, type TestAuthority, workloadSecrets } from "./certificates.ts";
import { type RunningEnvoy, startEnvoy } from "./envoy-process.ts";
import { pod } from "./objects.ts";
import { captured, intercepted } from "./intercepted.ts";
import { type OnDemandServer, serveOnDemand } from "./on-demand-server.ts";
import { type Collector, startCollector } from "./otlp-collector.ts";
import { type Answer, ask, type Asking } from "./request.ts";
import { bootstrapOf, type BootstrapOfOptions, type Fetched } from "./world.ts";

/** Where a client's Envoy takes requests for any host of the mesh. */
const PROXY_PORT = 15001;
const OTLP_PORT = 4317;
/** Everything is static where nothing is said: a proxy has all that there is, before its first request. */
const ON_DEMAND = process.env["HEDDLE_TEST_ON_DEMAND"] === "1";

export interface TestWorkload {
  /** On loopback, in a block that no other test file has; its application gets the same with 1 added to the third number. */
  readonly address: string;
  /** Addresses that its Envoy says it has besides. */
  readonly otherAddresses?: readonly string[];
  /** `{ app: name }` unless told otherwise. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly namespace?: string;
  /** The workload's name unless told otherwise. */
  readonly serviceAccount?: string;
  readonly type?: "sidecar" | "router";
  /** Without one its application listens on the workload's own address, in the clear. */
  readonly sidecar?: boolean;
  /** False for a machine outside of the cluster, of which nothing but the test's objects tells. */
  readonly pod?: boolean;
  /** What its application listens on. */
  readonly ports?: readonly number[];
  /** Where its agent answers; configuration itself is static. */
  readonly agent?: { readonly address: string; readonly port: number };
  /** Of the node it runs on. */
  readonly locality?: { readonly region: string; readonly zone: string; readonly subzone?: string };
  /** Of its node, besides what follows from the rest. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** How long its application takes for each request, in milliseconds; nothing unless told otherwise. */
  readonly delayMs?: number;
  /** REDIRECT: see `intercepted.ts` for how a test's connections come to its Envoy then. */
  readonly interception?: "NONE" | "REDIRECT";
  /** What is started instead of the bootstrap that the workload would have. */
  readonly patch?: (bootstrap: Bootstrap) => Bootstrap;
  /** Of gateways: what SDS would give it besides its own certificate. */
  readonly secrets?: (authority: TestAuthority) => Promise<readonly Secret[]>;
}

export interface TestMeshOptions<Name extends string> {
  readonly workloads: Readonly<Record<Name, TestWorkload>>;
  /** Its sidecars ask for what they need; as `HEDDLE_TEST_ON_DEMAND` has it unless told otherwise. */
  readonly onDemand?: boolean;
  /** Besides the workloads' pods. */
  readonly objects: readonly MeshObject[];
  readonly settings?: Partial<MeshSettings>;
  /** Who signs the workloads' certificates; somebody of its own unless two meshes are to trust each other. */
  readonly authority?: Promise<TestAuthority>;
  /** Where access logs and spans are received; without it there are none. */
  readonly collector?: string;
  /** Modules of WasmPlugins, and keys of issuers of tokens. */
  readonly fetched?: () => Promise<Fetched>;
}

export interface TestMesh<Name extends string> {
  /** A request of a workload's application to a host of the mesh, through the workload's Envoy. */
  get(from: Name, authority: string, path?: string, asking?: Asking): Promise<Answer>;
  /** What the Envoys of the mesh have logged and traced. */
  collector(): Collector;
  /** One for each port of a workload, in their order. */
  applications(of: Name): readonly Application[];
  envoy(of: Name): RunningEnvoy;
  /** What signed every workload's certificate. */
  authority(): TestAuthority;
}

/** To be called where hooks may be: in a file or a `describe`. */
export function startedMesh<Name extends string>(options: TestMeshOptions<Name>): TestMesh<Name> {
  const { workloads, settings = {}, collector: collectorAddress } = options;
  const entries = Object.entries<TestWorkload>(workloads);
  const pods = entries.filter(([, workload]) => workload.pod !== false).map(podOf);
  const objects = [...pods, ...options.objects];
  const envoys = new Map<string, RunningEnvoy>();
  const applications = new Map<string, Application[]>();
  let authority: TestAuthority | undefined;
  let collector: Collector | undefined;
  let fetched: Fetched = {};
  let server: OnDemandServer | undefined;

  beforeAll(async () => {
    authority = await (options.authority ?? createAuthority());
    fetched = (await options.fetched?.()) ?? {};
    if (collectorAddress) collector = await startCollector(collectorAddress, OTLP_PORT);
    for (const [name, workload] of entries) {
      const { address, ports = [], sidecar = true } = workload;
      const at = sidecar ? applicationAddress(address) : address;
      applications.set(
        name,
        await Promise.all(ports.map((port) => startApplication(name, at, port, workload.delayMs))),
      );
    }
    // One after the other: each takes a core while it starts.
    for (const [name, workload] of entries)
      if (workload.sidecar ?? true)
        envoys.set(name, await startEnvoy(await patched(name, workload, authority)));
  });

  afterAll(async () => {
    await Promise.all([...envoys.values()].map((envoy) => envoy.stop()));
    await Promise.all([...applications.values()].flat().map((application) => application.stop()));
    await collector?.stop();
    await server?.stop();
  });

  async function patched(name: string, workload: TestWorkload, issuer: TestAuthority) {
    const { address, interception, patch = (same) => same } = workload;
    const served = await onDemand(name, workload, issuer);
    if (served) return served;
    const whole = bootstrapOf(objects, await describe(name, workload, issuer), settings, fetched);
    return patch(interception === "REDIRECT" ? intercepted(whole, address) : whole);
  }

  /** Nothing for workloads to which that does not apply, or whose static bootstrap a test is about. */
  async function onDemand(name: string, workload: TestWorkload, issuer: TestAuthority) {
    const isStatic = workload.type === "router" || workload.patch || workload.agent;
    if (!(options.onDemand ?? ON_DEMAND) || isStatic) return undefined;
    const { interception, address } = workload;
    server ??= await serveOnDemand(objects, settings, fetched);
    const described = await describe(name, workload, issuer);
    return server.bootstrap(described, (listener) =>
      interception === "REDIRECT" ? captured(listener, address) : listener,
    );
  }

  async function describe(
    name: string,
    workload: TestWorkload,
    issuer: TestAuthority,
  ): Promise<BootstrapOfOptions> {
    const { address, namespace = "default", type = "sidecar", ports = [] } = workload;
    const identity = `spiffe://cluster.local/ns/${namespace}/sa/${workload.serviceAccount ?? name}`;
    return {
      type,
      pod: name,
      address,
      namespace,
      labels: labelsOf(name, workload),
      ...(workload.otherAddresses ? { otherAddresses: workload.otherAddresses } : {}),
      ...(workload.agent ? { xds: workload.agent } : {}),
      ...(workload.locality ? { locality: workload.locality } : {}),
      ...(workload.metadata ? { metadata: workload.metadata } : {}),
      ...(collectorAddress ? { otlp: { address: collectorAddress, port: OTLP_PORT } } : {}),
      ...(workload.interception === undefined ? {} : { interception: workload.interception }),
      // A workload whose connections are led to its Envoy has nothing else on that port.
      ...(type === "sidecar" && workload.interception !== "REDIRECT"
        ? { httpProxyPort: PROXY_PORT }
        : {}),
      ...(ports.length > 0 ? { appAddress: applicationAddress(address) } : {}),
      secrets: [
        ...workloadSecrets(await issuer.issue(identity), issuer.certificate),
        ...((await workload.secrets?.(issuer)) ?? []),
      ],
    };
  }

  const started = <T>(value: T | undefined, what: string): T => {
    if (value === undefined) throw new Error(`${what} has not been started`);
    return value;
  };
  return {
    get: (from, authorityHeader, path = "/", asking) =>
      ask(workloads[from].address, PROXY_PORT, authorityHeader, path, asking),
    collector: () => started(collector, "a collector"),
    applications: (of) => started(applications.get(of), `the applications of ${of}`),
    envoy: (of) => started(envoys.get(of), `the Envoy of ${of}`),
    authority: () => started(authority, "the authority"),
  };
}

function podOf([name, workload]: [string, TestWorkload]): MeshObject {
  const { address, namespace, serviceAccount, locality, sidecar = true } = workload;
  return pod({
    name,
    address,
    labels: {
      ...labelsOf(name, workload),
      ...(locality
        ? {
            "topology.kubernetes.io/region": locality.region,
            "topology.kubernetes.io/zone": locality.zone,
            "topology.istio.io/subzone": locality.subzone ?? "",
          }
        : {}),
    },
    serviceAccount: serviceAccount ?? name,
    mesh: sidecar,
    ...(namespace === undefined ? {} : { namespace }),
  });
}

function labelsOf(name: string, { labels }: TestWorkload): Readonly<Record<string, string>> {
  return labels ?? { app: name };
}

/** `127.71.0.2` → `127.71.1.2`. */
function applicationAddress(address: string): string {
  const [a, b, c, d] = address.split(".");
  return [a, b, Number(c) + 1, d].join(".");
}
