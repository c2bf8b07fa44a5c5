/**
 * What others deliver with, unchanged, on a cluster whose mesh is Heddle's: Flagger shifts traffic by rules that it writes and numbers
 * that it asks a Prometheus for, and Flux brings rules from a Git repository. Both go on at once, in one namespace.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { type Cluster, startCluster } from "./harness/cluster.ts";
import { buildDelivery } from "./harness/delivery-components.ts";
import { FLUX_NAMESPACE, installFlagger, installFlux } from "./harness/delivery-install.ts";
import { ECHO_IMAGE, importEcho } from "./harness/echo.ts";
import { BRANCH, type GitServer, startGitServer } from "./harness/git-server.ts";
import { importEnvoy } from "./harness/images.ts";
import { installAgent } from "./harness/install-agent.ts";

const NAMESPACE = "shop";
const READY_WITHIN = "--timeout=240s";
/** Requests a second, to each application. */
const RATE = 40;
/** Where `./heddle --run cluster build` was not run before, Flagger and Flux are built first. */
const BUILT_WITHIN_MS = 3_600_000;
const LOOKS_MS = 1000;
const WITHIN_MS = 240_000;
/** Percent of the requests that Flagger gives the new version before it has all of them. */
const WEIGHT = 30;
const MEASURED = 200;
/** How many looks in vain take a version back. The first few are those before there are numbers, more of them on a slow machine. */
const FAILED_CHECKS = { web: 20, broken: 9 } as const;
/** Where the pod that asks tells how that goes. */
const LOADS = { web: 8081, broken: 8082 } as const;
type App = keyof typeof LOADS;
const APPS = Object.keys(LOADS) as App[];

let folder: string;
let cluster: Cluster;
let git: GitServer;
let gate: Gate;
/** The address of the pod that asks. */
let loader: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "heddle-delivery-"));
  const state = path.join(folder, "state");
  const say = (line: string) => console.log(line);
  const components = await buildDelivery(say);
  cluster = await startCluster({ state, say });
  git = await startGitServer(path.join(folder, "git"), cluster.network.host);
  gate = await startGate(cluster.network.host);
  const little = { requests: { cpu: "10m", memory: "32Mi" } };
  await Promise.all([importEnvoy(state), importEcho(state)]);
  await installAgent(cluster, {
    agent: { replicas: 1, resources: little },
    injection: { resources: little },
  });
  await trusted();
  await cluster.kubectl.apply(...applications());
  await Promise.all([installFlagger(cluster, components), installFlux(cluster, components)]);
}, BUILT_WITHIN_MS);
afterAll(async () => {
  await gate?.close();
  await git?.close();
  await cluster?.down();
  await rm(folder, { recursive: true, force: true });
});

interface Gate {
  readonly url: string;
  open(): void;
  close(): Promise<void>;
}

/** Flagger asks it before it promotes, and keeps to the weights that it has until it is open. */
async function startGate(host: string): Promise<Gate> {
  let status = 403;
  const server = createServer((_, response) => response.writeHead(status).end());
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}/`,
    open: () => void (status = 200),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Looks once a second; throws with what `otherwise` says where it does not come to hold. */
async function becomes(
  holds: () => Promise<boolean>,
  otherwise: () => Promise<string> | string = () => "",
): Promise<void> {
  for (const end = Date.now() + WITHIN_MS; !(await holds()); await sleep(LOOKS_MS))
    if (Date.now() > end)
      throw new Error(`${holds.toString()} does not hold: ${await otherwise()}`);
}

/** Until the API server knows whom to trust as webhook: pods of the mesh wait for that. */
const trusted = () =>
  becomes(async () => {
    const bundles = await cluster.kubectl(
      ...["get", "mutatingwebhookconfiguration", "heddle-injector"],
      ...["-o", "jsonpath={.webhooks[*].clientConfig.caBundle}"],
    );
    return bundles !== "";
  });

const metadata = (name: string) => ({ name, namespace: NAMESPACE });

function deployment(
  name: string,
  labels: object,
  containers: readonly object[],
  annotations: object = {},
): object {
  return {
    ...{ apiVersion: "apps/v1", kind: "Deployment", metadata: metadata(name) },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: { metadata: { labels, annotations }, spec: { containers } },
    },
  };
}

/** As any application has it that is not to lose requests: others hear of a pod's end some time after it. */
const container = (version: string) => ({
  ...{ name: "app", image: ECHO_IMAGE, env: [{ name: "VERSION", value: version }] },
  readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 },
  // Flagger copies Deployments, and what its API does not know yet, such as `sleep`, would be lost on the way.
  lifecycle: { preStop: { exec: { command: ["node", "-e", "setTimeout(() => {}, 5000)"] } } },
});

function applications(): readonly object[] {
  return [
    {
      ...{ apiVersion: "v1", kind: "Namespace" },
      metadata: { name: NAMESPACE, labels: { "istio-injection": "enabled" } },
    },
    {
      ...{ apiVersion: "v1", kind: "Service", metadata: metadata("catalog") },
      spec: { selector: { app: "catalog" }, ports: [{ name: "http", port: 80, targetPort: 8080 }] },
    },
    ...["v1", "v2"].map((version) =>
      deployment(`catalog-${version}`, { app: "catalog", version }, [container(version)]),
    ),
    ...APPS.map((app) => deployment(app, { app }, [container("first")])),
  ];
}

/** Asks for both applications, and tells the machine past its proxy how that goes. */
const load = () =>
  deployment(
    "load",
    { app: "load" },
    Object.entries(LOADS).map(([app, port]) => ({
      ...{ name: app, image: ECHO_IMAGE, command: ["/usr/local/bin/node", "/app/load.ts"] },
      env: [
        { name: "URL", value: `http://${app}/` },
        { name: "RATE", value: String(RATE) },
        { name: "PORT", value: String(port) },
      ],
    })),
    { "traffic.sidecar.istio.io/excludeInboundPorts": Object.values(LOADS).join() },
  );

/** Flagger's least interval is ten seconds. */
const canary = (app: App): object => ({
  ...{ apiVersion: "flagger.app/v1beta1", kind: "Canary", metadata: metadata(app) },
  spec: {
    targetRef: { apiVersion: "apps/v1", kind: "Deployment", name: app },
    progressDeadlineSeconds: 240,
    service: { name: app, port: 80, targetPort: 8080, portName: "http" },
    analysis: {
      ...{ interval: "10s", threshold: FAILED_CHECKS[app], maxWeight: WEIGHT, stepWeight: WEIGHT },
      webhooks: [{ name: "gate", type: "confirm-promotion", url: gate.url }],
      metrics: [
        { name: "request-success-rate", thresholdRange: { min: 99 }, interval: "30s" },
        { name: "request-duration", thresholdRange: { max: 5000 }, interval: "30s" },
      ],
    },
  },
});

interface Told {
  readonly asked: number;
  readonly answered: number;
  readonly pods: Readonly<Record<string, number>>;
  readonly failures: readonly string[];
}

async function told(app: App, at = "/"): Promise<Told> {
  const response = await fetch(`http://${loader}:${LOADS[app]}${at}`);
  return (await response.json()) as Told;
}

/** What the next requests get. */
async function answeredNow(app: App, least = RATE): Promise<Told> {
  await told(app, "/new");
  await becomes(
    async () => (await told(app)).answered > least,
    async () => JSON.stringify(await told(app)),
  );
  return told(app);
}

/** What stands in a field of an object, as text. */
const read = (kind: string, name: string, field: string) =>
  cluster.kubectl("get", "-n", NAMESPACE, kind, name, "-o", `jsonpath={${field}}`);

/** What Flagger has said of it. */
async function events(app: App): Promise<string> {
  const all = await cluster.kubectl("get", "events", "-n", NAMESPACE, "-o", "json");
  const { items } = JSON.parse(all) as {
    items: { message: string; involvedObject: { name: string } }[];
  };
  return items
    .filter(({ involvedObject: { name } }) => name === app)
    .map(({ message }) => message)
    .join("\n");
}

describe.concurrent("Flagger, by Istio's rules and metrics", () => {
  beforeAll(async () => {
    await cluster.kubectl.apply(...APPS.map(canary));
    for (const app of APPS) await reaches(app, "Initialized");
    await cluster.kubectl.apply(load());
    await cluster.kubectl("rollout", "status", "-n", NAMESPACE, "deployment/load", READY_WITHIN);
    loader = await cluster.kubectl(
      ...["get", "pod", "-n", NAMESPACE, "-l", "app=load"],
      ...["-o", "jsonpath={.items[0].status.podIP}"],
    );
    // Its containers run, which is not to say that they listen.
    const listens = (app: App) =>
      told(app).then(
        () => true,
        () => false,
      );
    for (const app of APPS) await becomes(() => listens(app));
    for (const app of APPS) await answeredNow(app);
    await told("web", "/new");
    const second = { name: "VERSION", value: "second" };
    await changed("web", [second]);
    // Of a version that has never answered well there is no rate of success: Flagger's query has a sum of nothing in it.
    await changed("broken", [second, { name: "STATUS", value: "200,500" }]);
  });

  const changed = (app: App, env: readonly object[]) =>
    cluster.kubectl(
      ...["patch", "-n", NAMESPACE, `deployment/${app}`, "-p"],
      JSON.stringify({ spec: { template: { spec: { containers: [{ name: "app", env }] } } } }),
    );
  const reaches = (app: App, phase: string) =>
    becomes(
      async () => (await read("canary", app, ".status.phase")) === phase,
      () => events(app),
    );
  const weights = (app: App) => read("virtualservice", app, ".spec.http[0].route[*].weight");
  const version = (name: string) =>
    read(
      "deployment",
      name,
      '.spec.template.spec.containers[?(@.name=="app")].env[?(@.name=="VERSION")].value',
    );
  /** Requests that other pods than the primary's have answered. */
  const ofCanary = ({ pods }: Told) =>
    Object.entries(pods)
      .filter(([pod]) => !pod.startsWith("web-primary-"))
      .reduce((sum, [, count]) => sum + count, 0);

  test("a new version gets its share, and then all of it, of requests of which none fails", async () => {
    await reaches("web", "WaitingPromotion");
    expect(await weights("web")).toBe(`${100 - WEIGHT} ${WEIGHT}`);
    const before = await told("web");
    const shared = await answeredNow("web", MEASURED);
    const share = (ofCanary(shared) / shared.answered) * 100;
    console.log(`${share.toFixed(1)} % of ${shared.answered} requests at weight ${WEIGHT}`);
    expect(Math.abs(share - WEIGHT)).toBeLessThan(15);
    gate.open();
    await reaches("web", "Succeeded");
    const seen = await told("web");
    console.log(`${before.asked + seen.asked} requests until the new version had all of them`);
    expect([before.failures, shared.failures, seen.failures]).toEqual([[], [], []]);
    expect(await version("web-primary")).toBe("second");
    expect(await weights("web")).toBe("100 0");
    const after = await answeredNow("web");
    expect([ofCanary(after), after.failures]).toEqual([0, []]);
  });

  test("a version of whose answers half are errors is taken back", async () => {
    await reaches("broken", "Failed");
    expect(await events("broken")).toMatch(/success rate/);
    expect(await weights("broken")).toBe("100 0");
    expect(await version("broken-primary")).toBe("first");
    expect((await answeredNow("broken")).failures).toEqual([]);
  });
});

describe.concurrent("Flux, from a Git repository", () => {
  const SYNCED = "shop-mesh";
  const flux = { name: SYNCED, namespace: FLUX_NAMESPACE };
  const rule = (kind: string, name: string, spec: object) => ({
    apiVersion: `${kind === "PeerAuthentication" ? "security" : "networking"}.istio.io/v1`,
    ...{ kind, metadata: metadata(name), spec },
  });
  const routes = (subset: string, more: object = {}) =>
    rule("VirtualService", "catalog", {
      hosts: ["catalog"],
      http: [
        {
          route: [{ destination: { host: "catalog", subset } }],
          headers: { response: { set: { "x-route": subset } } },
          ...more,
        },
      ],
    });
  const subsets = rule("DestinationRule", "catalog", {
    host: "catalog",
    subsets: ["v1", "v2"].map((version) => ({ name: version, labels: { version } })),
  });
  const strict = rule("PeerAuthentication", "default", { mtls: { mode: "STRICT" } });
  const commit = (message: string, ...rules: object[]) =>
    git.commit(
      message,
      Object.fromEntries(rules.map((each, index) => [`mesh/${index}.yaml`, stringify(each)])),
    );

  interface Condition {
    readonly type: string;
    readonly status: string;
    readonly message: string;
  }

  /** What Flux says of its attempt at that commit, once it has made it. */
  async function attempted(revision: string): Promise<Condition> {
    let said: Condition | undefined;
    await becomes(
      async () => {
        const text = await cluster.kubectl(
          ...["get", "kustomization", SYNCED, "-n", FLUX_NAMESPACE, "-o", "json"],
        );
        const { status = {} } = JSON.parse(text) as {
          status?: { lastAttemptedRevision?: string; conditions?: Condition[] };
        };
        const ready = status.conditions?.find(({ type }) => type === "Ready");
        const made = status.lastAttemptedRevision?.endsWith(revision) ?? false;
        if (made && ready?.status !== "Unknown") said = ready;
        return said !== undefined;
      },
      () => cluster.kubectl("get", "gitrepositories,kustomizations", "-A", "-o", "yaml"),
    );
    return said ?? { type: "", status: "", message: "" };
  }

  /** Who answers a few requests of the mesh, each with the header that the rule sets. */
  async function answering(): Promise<string> {
    const text = await cluster.kubectl(
      ...["exec", "-n", NAMESPACE, "deployment/catalog-v1", "-c", "app", "--", "node", "-e"],
      `(async () => {
        for (let i = 0; i < 8; i++) {
          const response = await fetch("http://catalog/");
          const { version } = await response.json();
          console.log(version, response.headers.get("x-route"));
        }
      })();`,
    );
    return [...new Set(text.trim().split("\n"))].toSorted().join();
  }

  /** What the machine, as somebody outside of the mesh, gets of the application itself. */
  async function stranger(): Promise<string> {
    const ip = await cluster.kubectl(
      ...["get", "pod", "-n", NAMESPACE, "-l", "app=catalog,version=v1"],
      ...["-o", "jsonpath={.items[0].status.podIP}"],
    );
    const signal = AbortSignal.timeout(5000);
    return fetch(`http://${ip}:8080/`, { signal }).then(
      ({ status }) => String(status),
      () => "refused",
    );
  }

  async function expectSeen(requests: string, outside: string): Promise<void> {
    await becomes(async () => (await answering()) === requests, answering);
    await becomes(async () => (await stranger()) === outside, stranger);
  }

  test("rules of a commit are applied, changed and removed by the next, and refused where they are wrong", async () => {
    for (const name of ["catalog-v1", "catalog-v2"])
      await cluster.kubectl(
        "rollout",
        "status",
        "-n",
        NAMESPACE,
        `deployment/${name}`,
        READY_WITHIN,
      );
    await expectSeen("v1 null,v2 null", "200");
    const first = await commit("All to the first", routes("v1"), subsets, strict);
    await cluster.kubectl.apply(
      {
        ...{ apiVersion: "source.toolkit.fluxcd.io/v1", kind: "GitRepository", metadata: flux },
        spec: { url: git.url, ref: { branch: BRANCH }, interval: "5s" },
      },
      {
        ...{ apiVersion: "kustomize.toolkit.fluxcd.io/v1", kind: "Kustomization", metadata: flux },
        spec: {
          sourceRef: { kind: "GitRepository", name: SYNCED },
          ...{ path: "./mesh", prune: true, interval: "1m", retryInterval: "10s" },
        },
      },
    );
    expect(await attempted(first)).toMatchObject({ status: "True" });
    await expectSeen("v1 v1", "refused");

    const second = await commit("All to the second, and let others in", routes("v2"), subsets);
    expect(await attempted(second)).toMatchObject({ status: "True" });
    await expectSeen("v2 v2", "200");

    const wrong = await commit(
      "Tries less than none",
      routes("v1", { retries: { attempts: -1 } }),
      subsets,
    );
    const { status, message } = await attempted(wrong);
    console.log(message);
    expect(status).toBe("False");
    expect(message).toMatch(
      /VirtualService\/shop\/catalog .*denied the request: heddle: HDL\d{4}.*spec\.http\[0\]\.retries/s,
    );
    expect(await answering()).toBe("v2 v2");
  });
});
