/** The charts, as the real Helm renders them, are what packages/kube makes: object by object, for every profile and for values of every kind. */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { agentRights } from "@heddle/agent/rights";
import {
  type GivenPlaneValues,
  type GivenValues,
  inOrder,
  installationObjects,
  type KubernetesObject,
  OWN_LABELS,
  PLANE,
  planeObjects,
  planeValuesOf,
  PROFILES,
  ValuesError,
  valuesOf,
} from "@heddle/kube";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { buildHelm } from "./harness/components.ts";
import { KUBERNETES_VERSION } from "./harness/versions.ts";

const run = promisify(execFile);
const CHARTS = path.resolve(import.meta.dirname, "../../infra/helm");
const CHART = path.join(CHARTS, "heddle-agent");
const PLANE_CHART = path.join(CHARTS, "heddle");
/** A name that YAML takes for something else where it is not quoted. */
const NAMESPACE = "1e3";

let helm: string;
let folder: string;

beforeAll(async () => {
  helm = await buildHelm((line) => console.log(line));
  folder = await mkdtemp(path.join(tmpdir(), "heddle-chart-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function rendered(values: object, chart = CHART): Promise<KubernetesObject[]> {
  const file = path.join(folder, "values.json");
  await writeFile(file, JSON.stringify(values));
  const { stdout } = await run(
    helm,
    [
      ...["template", "heddle", chart, "--namespace", NAMESPACE, "--values", file],
      ...["--kube-version", KUBERNETES_VERSION],
    ],
    { maxBuffer: 64 * 1024 * 1024 },
  );
  return parseAllDocuments(stdout)
    .map((document) => document.toJS() as KubernetesObject | null)
    .filter((object) => object !== null);
}

/** By kind and name; without what only one of both ways needs, and texts of settings as what they say. */
function byName(objects: readonly KubernetesObject[]): Record<string, unknown> {
  return Object.fromEntries(
    objects
      .filter(({ kind }) => kind !== "Namespace")
      .map(({ metadata, ...object }) => {
        const { annotations: _, ...known } = metadata;
        const { data } = object as { data?: Record<string, string> };
        return [
          `${object.kind} ${metadata.name}`,
          {
            ...object,
            metadata: known,
            ...(data && { data: Object.entries(data).map(([key, text]) => [key, parse(text)]) }),
          },
        ];
      }),
  );
}

const expected = (values: GivenValues) =>
  byName(
    inOrder(installationObjects({ values: valuesOf(values), namespace: NAMESPACE }, agentRights())),
  );

const REMOTE = { remote: { address: "agent.example" } };
const CASES: Readonly<Record<string, GivenValues>> = {
  ...Object.fromEntries(PROFILES.map((profile) => [`profile ${profile}`, { profile, ...REMOTE }])),
  "an agent elsewhere that injects nothing": {
    profile: "remote",
    injection: { enabled: false },
    validation: { enabled: false },
  },
  "another revision, with webhooks": {
    revision: "canary",
    injection: { enabled: true, failurePolicy: "Ignore" },
    validation: { enabled: true },
  },
  "a revision that looks like a number": { revision: "7", injection: { enabled: true } },
  "another revision that stands for all": {
    revision: "next",
    isDefault: true,
    injection: { enabled: true },
  },
  "the usual revision beside another mesh": {
    isDefault: false,
    injection: { enabled: true, captureElsewhere: true },
    validation: { enabled: true },
    crds: { install: false },
  },
  "a hosted plane": {
    plane: {
      url: "https://plane.example",
      mesh: "shop",
      tokenSecret: { name: "joining", key: "join" },
    },
    mesh: { clusterId: "", network: "net-west", rootNamespace: "istio-system" },
  },
  "a plane beside the agent": {
    revision: "canary",
    mesh: { trustDomain: "shop.example" },
    plane: {
      install: true,
      mesh: "shop",
      server: { service: { port: 80 }, database: { name: "postgres" } },
    },
  },
  "a hosted plane in place of the profile's own": {
    profile: "demo",
    plane: { url: "https://plane.example" },
  },
  "everything that pods may be told": {
    profile: "demo",
    images: {
      registry: "mirror.example/library/",
      pullPolicy: "Always",
      pullSecrets: ["one", "two"],
    },
    agent: {
      replicas: 0,
      plaintext: true,
      certificates: { issuer: "plane", lifetime: "48h" },
      arguments: ["--scrape-interval=5", "--name=a b"],
      environment: { TWO: "2", EMPTY: "", TRUE: "true" },
      annotations: { note: "x", "prometheus.io/scrape": "false" },
      labels: { team: "mesh" },
      nodeSelector: { disk: "ssd" },
      tolerations: [{ key: "infra", operator: "Exists" }],
      affinity: { nodeAffinity: {} },
      priorityClass: "system-cluster-critical",
      resources: { requests: { cpu: "1" }, limits: {} },
      disruptionBudget: { enabled: false },
      redactionKey: { name: "hashes" },
    },
    injection: {
      proxies: { concurrency: 2, proxyMetadata: { A: "1" } },
      templates: { custom: { spec: { containers: [{ name: "istio-proxy" }] } } },
      resources: { requests: { cpu: "5m" } },
    },
  },
  "everything that gateways may be told": {
    images: {
      registry: "mirror.example",
      proxy: "envoyproxy/envoy:distroless-v1.40.0",
      pullPolicy: "Never",
      pullSecrets: ["one"],
    },
    mesh: { clusterId: 'a "b" $c', clusterDomain: "cluster.example" },
    gateways: {
      ingress: {
        replicas: 3,
        resources: { requests: { cpu: "2" }, limits: {} },
        annotations: { note: "true" },
        labels: {
          app: "mine",
          "istio.io/dataplane-mode": "none",
          "a.example/b": "1",
          "service.istio.io/canonical-name": "x",
        },
        nodeSelector: { edge: "yes" },
        tolerations: [{ key: "edge", operator: "Exists" }],
        affinity: { nodeAffinity: {} },
        priorityClass: "system-cluster-critical",
        service: {
          type: "NodePort",
          annotations: { "cloud.example/internal": "true" },
          loadBalancerIP: "192.0.2.1",
          loadBalancerSourceRanges: ["192.0.2.0/24"],
          externalTrafficPolicy: "Local",
          ports: [
            { name: "http2", port: 80, targetPort: 8080, nodePort: 30080 },
            { name: "dns", port: 53, protocol: "UDP" },
          ],
        },
      },
      egress: { enabled: true, autoscaling: { enabled: true, minReplicas: 1, maxReplicas: 4 } },
    },
  },
  "another revision's gateways": {
    revision: "canary",
    gateways: { egress: { enabled: true, disruptionBudget: { enabled: false } } },
  },
  "an agent elsewhere, with gateways": {
    profile: "remote",
    remote: { address: "agent.example" },
    gateways: { ingress: { enabled: true } },
  },
  "a number of pods that follows load": {
    agent: { autoscaling: { enabled: true, minReplicas: 3, maxReplicas: 9, targetCpuPercent: 70 } },
  },
  "one pod, which may be moved": { agent: { replicas: 1 } },
};

describe("the chart is what heddle install applies", () => {
  for (const [name, values] of Object.entries(CASES))
    test(name, async () => {
      const made = byName(await rendered(values));
      const wanted = expected(values);
      expect(Object.keys(made).toSorted()).toEqual(Object.keys(wanted).toSorted());
      for (const [key, object] of Object.entries(wanted)) expect(made[key], key).toEqual(object);
    });
});

const PLANE_CASES: Readonly<Record<string, GivenPlaneValues>> = {
  "values that nobody has changed": {},
  "a database, a key and a claim of one's own": {
    database: { name: "postgres" },
    envelopeKey: { name: "own", key: "wrap" },
    storage: { claim: "there", class: "fast" },
    tokenSecret: { name: "joining", key: "join" },
  },
  "a key service": { kms: { key: "https://vault.example:8200/v1/transit/keys/heddle" } },
  "a key service that is left, with names of one's own": {
    kms: {
      key: "https://vault.example:8200/v1/mesh/transit/keys/heddle",
      mode: "open",
      namespace: "mesh",
      tokenSecret: { name: "vault", key: "client-token" },
    },
    envelopeKey: { name: "own" },
  },
  "a database of one's own, and no volume": {
    database: { name: "postgres", key: "dsn" },
    storage: { persistent: false },
  },
  "everything that pods may be told": {
    images: {
      registry: "mirror.example/library/",
      plane: "plane@sha256:00",
      pullPolicy: "Always",
      pullSecrets: ["one", "two"],
    },
    mesh: { name: "7", trustDomain: "shop.example" },
    traceSampling: 0.5,
    service: { type: "NodePort", port: 80, nodePort: 30080, annotations: { note: "x" } },
    storage: { size: "1Gi", class: "fast" },
    resources: { requests: { cpu: "1" }, limits: {} },
    arguments: ["--name=a b"],
    environment: { TWO: "2", EMPTY: "", TRUE: "true" },
    annotations: { note: "x" },
    labels: { team: "mesh" },
    nodeSelector: { disk: "ssd" },
    tolerations: [{ key: "infra", operator: "Exists" }],
    affinity: { nodeAffinity: {} },
    priorityClass: "system-cluster-critical",
  },
};

describe("the plane's chart is what packages/kube makes", () => {
  for (const [name, values] of Object.entries(PLANE_CASES))
    test(name, async () => {
      const selector = { "app.kubernetes.io/name": PLANE };
      const wanted = byName(
        planeObjects({
          ...{ namespace: NAMESPACE, name: PLANE, labels: OWN_LABELS, selector },
          values: planeValuesOf(values),
        }),
      );
      const made = byName(await rendered(values, PLANE_CHART));
      expect(Object.keys(made).toSorted()).toEqual(Object.keys(wanted).toSorted());
      for (const [key, object] of Object.entries(wanted)) expect(made[key], key).toEqual(object);
    });
});

test("the plane's data stays behind where values do not say otherwise, and nothing else", async () => {
  const kept = async (storage: object) =>
    (await rendered({ storage }, PLANE_CHART))
      .filter(({ metadata }) => metadata.annotations?.["helm.sh/resource-policy"] === "keep")
      .map(({ kind }) => kind);
  expect(await kept({})).toEqual(["Secret", "PersistentVolumeClaim"]);
  expect(await kept({ keep: false })).toEqual([]);
  expect(await kept({ persistent: false })).toEqual([]);
});

test.each([CHART, PLANE_CHART])("Helm finds nothing to mend in %s", async (chart) => {
  const { stdout } = await run(helm, ["lint", "--strict", chart]);
  expect(stdout).toContain("0 chart(s) failed");
  expect(stdout).not.toContain("[WARNING]");
});

describe("both refuse what is no value, and say which", () => {
  const wrong: readonly (readonly [string, object, RegExp])[] = [
    ["a name that nobody knows", { agent: { replica: 2 } }, /replica/],
    ["a word where a number belongs", { agent: { replicas: "two" } }, /replicas/],
    ["a profile that there is not", { profile: "ambient" }, /profile/],
    ["a revision that is no name", { revision: "1.2" }, /revision/],
    [
      "an agent elsewhere without its address",
      { profile: "remote", injection: { enabled: true } },
      /remote\.address/,
    ],
  ];
  for (const [name, values, said] of wrong)
    test(name, async () => {
      expect(() => valuesOf(values)).toThrow(ValuesError);
      expect(() => valuesOf(values)).toThrow(said);
      await expect(rendered(values)).rejects.toThrow(said);
    });
});

test("definitions stay behind where values do not say otherwise", async () => {
  const policies = async (values: object) =>
    new Set(
      (await rendered(values))
        .filter(({ kind }) => kind === "CustomResourceDefinition")
        .map(({ metadata }) => metadata.annotations?.["helm.sh/resource-policy"]),
    );
  expect(await policies({})).toEqual(new Set(["keep"]));
  expect(await policies({ crds: { keep: false } })).toEqual(new Set([undefined]));
});
