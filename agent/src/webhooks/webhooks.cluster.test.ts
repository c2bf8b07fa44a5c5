/** A real API server asks an agent that has the rights of its role: pods, rules, certificates that change, and what people change. */
import { X509Certificate } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { definedKinds, definitionOf, webhookConfigurations } from "@heddle/kube";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type ApiServerAlone,
  startApiServerAlone,
} from "../../../test/cluster/harness/api-server-alone.ts";
import { type RunningAgent, startAgent } from "../agent.ts";
import { openCluster } from "../kubernetes/cluster.ts";
import type { AgentLog } from "../log.ts";
import { parseAgentOptions } from "../options.ts";
import { until } from "../testing/envoy-pod.ts";
import { freePorts } from "../testing/free-ports.ts";
import { startWebhooks } from "./index.ts";

const LONG = 60_000;
const ROLES = path.resolve(import.meta.dirname, "../../../infra/kubernetes/agent-rbac.yaml");
const NEEDED = ["VirtualService", "Fallback", "ProxyConfig"];
const VALIDATOR = ["get", "validatingwebhookconfiguration", "heddle-validator", "-o", "json"];
const INJECTOR = ["get", "mutatingwebhookconfiguration", "heddle-injector", "-o", "json"];
const logged: string[] = [];
const log: AgentLog = {
  info() {},
  warn: (message) => void logged.push(message),
  error: (message, fields) => console.error(message, fields),
};

let folder: string;
let api: ApiServerAlone;
let agent: RunningAgent | undefined;
let kubeconfig: string;

interface Configuration {
  readonly metadata: { readonly resourceVersion: string };
  readonly webhooks: readonly {
    readonly failurePolicy: string;
    readonly clientConfig: { readonly caBundle?: string };
  }[];
}
const configuration = async (of: readonly string[]) =>
  JSON.parse(await api.kubectl(...of)) as Configuration;
const namespace = (name: string, labels: object = {}) => ({
  ...{ apiVersion: "v1", kind: "Namespace", metadata: { name, labels } },
});
const pod = (name: string, labels: object = {}) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, labels },
  spec: { containers: [{ name: "web", image: "web:1" }] },
});
const rule = (spec: object) => ({
  ...{ apiVersion: "networking.istio.io/v1", kind: "VirtualService" },
  metadata: { name: "web", namespace: "shop" },
  spec,
});
const GOOD = { hosts: ["web"], http: [{ route: [{ destination: { host: "web" } }] }] };

interface Pod {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: {
    readonly initContainers?: readonly { readonly name: string; readonly image: string }[];
  };
}
/** What the API server would make of it, webhooks and all. */
async function wouldBe(object: object, into: string): Promise<Pod> {
  const file = path.join(folder, `pod-${Math.random()}.json`);
  await writeFile(file, JSON.stringify(object));
  const flags = ["create", "--dry-run=server", "-n", into, "-f", file, "-o", "json"];
  return JSON.parse(await api.kubectl(...flags)) as Pod;
}
const proxyIn = ({ spec }: Pod) =>
  spec.initContainers?.find(({ name }) => name === "istio-proxy")?.image;

describe("the webhooks of an agent", () => {
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "heddle-webhooks-"));
    api = await startApiServerAlone(path.join(folder, "api"));
    await api.kubectl.apply(
      namespace("heddle-system"),
      namespace("shop", { "istio-injection": "enabled" }),
      namespace("plain"),
      ...["heddle-system", "shop", "plain"].map((name) => ({
        ...{ apiVersion: "v1", kind: "ServiceAccount" },
        metadata: { name: "default", namespace: name },
      })),
      ...definedKinds.filter(({ kind }) => NEEDED.includes(kind)).map(definitionOf),
    );
    await api.kubectl("apply", "-f", ROLES);
    await api.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s");
    kubeconfig = await agentsOwn();
    const [port = 0, metrics = 0] = await freePorts(2);
    const address = `127.0.0.1:${port}`;
    const installed = webhookConfigurations({
      ...{ namespace: "heddle-system", revision: "default", isDefault: true },
      url: `https://${address}`,
    });
    await api.kubectl.apply(...installed);
    const flags = {
      ...{ standalone: true, kubeconfig, state: path.join(folder, "agent"), roles: "control" },
      ...{ metrics: `127.0.0.1:${metrics}`, webhook: address },
    };
    const env = { POD_NAME: "heddle-agent-1", POD_NAMESPACE: "heddle-system" };
    agent = await startAgent(parseAgentOptions(flags, env), log);
    const ready = async () => (await fetch(`http://127.0.0.1:${metrics}/readyz`)).ok;
    await until(ready, LONG);
    await until(async () => trusted(await configuration(INJECTOR)), LONG);
  }, 240_000);
  afterAll(async () => {
    await agent?.close();
    await api?.down();
    await rm(folder, { recursive: true, force: true });
  }, LONG);

  /** The kubeconfig of the agent's account, which may do what its roles say. */
  async function agentsOwn(): Promise<string> {
    const token = await api.kubectl("create", "token", "heddle-agent", "-n", "heddle-system");
    const config = JSON.parse(await readFile(api.kubeconfig, "utf8")) as {
      users: { user: object }[];
    };
    for (const each of config.users) each.user = { token: token.trim() };
    const file = path.join(folder, "kubeconfig");
    await writeFile(file, JSON.stringify(config));
    return file;
  }
  const trusted = ({ webhooks }: Configuration) =>
    webhooks.every(({ clientConfig }) => clientConfig.caBundle);

  it(
    "put proxies into the pods of labelled namespaces, and no others",
    async () => {
      await api.kubectl("create", "-n", "shop", "-f", await written(pod("web")));
      const made = JSON.parse(
        await api.kubectl("get", "pod", "web", "-n", "shop", "-o", "json"),
      ) as Pod;
      expect(proxyIn(made)).toBe("envoyproxy/envoy:v1.40.0");
      expect(made.metadata.annotations).toHaveProperty(["sidecar.istio.io/status"]);
      expect(proxyIn(await wouldBe(pod("a"), "plain"))).toBeUndefined();
      expect(
        proxyIn(await wouldBe(pod("a", { "sidecar.istio.io/inject": "true" }), "plain")),
      ).toBeDefined();
      expect(
        proxyIn(await wouldBe(pod("a", { "sidecar.istio.io/inject": "false" }), "shop")),
      ).toBeUndefined();
      // A namespace that nobody has had time to read.
      await api.kubectl.apply(namespace("new", { "heddle.dev/injection": "enabled" }), {
        ...{
          apiVersion: "v1",
          kind: "ServiceAccount",
          metadata: { name: "default", namespace: "new" },
        },
      });
      expect(proxyIn(await wouldBe(pod("a"), "new"))).toBeDefined();
    },
    LONG,
  );

  it(
    "tell whoever makes a pod that it cannot be as it asks",
    async () => {
      const wrong = {
        ...pod("a"),
        metadata: { name: "a", annotations: { "sidecar.istio.io/proxyCPU": "much" } },
      };
      await expect(wouldBe(wrong, "shop")).rejects.toThrow(
        /denied the request: heddle: HDL6003 .*proxyCPU.*Give a quantity/s,
      );
    },
    LONG,
  );

  it("follow the settings of injection, and keep the last good ones", async () => {
    const settings = (text: string) => ({
      ...{ apiVersion: "v1", kind: "ConfigMap", data: { settings: text } },
      metadata: { name: "heddle-injection", namespace: "heddle-system" },
    });
    const image = async () => proxyIn(await wouldBe(pod("a"), "shop"));
    await api.kubectl.apply(settings("proxyImage: registry.example/envoy:v1"));
    await until(async () => (await image()) === "registry.example/envoy:v1", LONG);
    await api.kubectl.apply(settings("proxyImages: registry.example/envoy:v2"));
    await until(() => Promise.resolve(logged.some((line) => line.startsWith("HDL7282"))), LONG);
    expect(await image()).toBe("registry.example/envoy:v1");
    await api.kubectl.apply({
      ...{ apiVersion: "networking.istio.io/v1beta1", kind: "ProxyConfig" },
      ...{ metadata: { name: "all", namespace: "shop" }, spec: { image: { imageType: "debug" } } },
    });
    await until(async () => (await image()) === "registry.example/envoy:debug-v1", LONG);
  }, 120_000);

  it("refuse rules that are wrong once they answer, and warn of what is missing", async () => {
    const policies = async () =>
      (await configuration(VALIDATOR)).webhooks.map(({ failurePolicy }) => failurePolicy);
    await until(async () => (await policies()).every((policy) => policy === "Fail"), LONG);
    const bad = rule({ ...GOOD, http: [{ ...GOOD.http[0], retries: { attempts: -1 } }] });
    await expect(api.kubectl.apply(bad)).rejects.toThrow(
      /validator\.heddle\.dev" denied the request: heddle: HDL\d{4} .*spec\.http\[0\]\.retries/s,
    );
    await api.kubectl.apply({
      ...{ apiVersion: "v1", kind: "Service", metadata: { name: "web", namespace: "shop" } },
      spec: { ports: [{ name: "http", port: 80 }] },
    });
    const astray = rule({ ...GOOD, http: [{ route: [{ destination: { host: "nowhere" } }] }] });
    const warned = async (object: object, ...flags: string[]) =>
      api.kubectl("apply", "--warnings-as-errors", ...flags, "-f", await written(object)).then(
        () => "",
        (error: Error) => error.message,
      );
    await until(
      async () => /IST0101.*nowhere/.test(await warned(astray, "--dry-run=server")),
      LONG,
    );
    // Nothing has come of the dry runs.
    expect(await api.kubectl("get", "virtualservices", "-A", "-o", "name")).toBe("");
    expect(await warned(rule(GOOD))).toBe("");
  }, 120_000);

  it("are trusted again when somebody changes whom the API server trusts", async () => {
    const before = await configuration(INJECTOR);
    const bundle = before.webhooks[0]?.clientConfig.caBundle;
    const broken = [{ op: "remove", path: "/webhooks/0/clientConfig/caBundle" }];
    await api.kubectl(
      "patch",
      "mutatingwebhookconfiguration",
      "heddle-injector",
      "--type=json",
      "-p",
      JSON.stringify(broken),
    );
    const took = await until(
      async () => (await configuration(INJECTOR)).webhooks[0]?.clientConfig.caBundle === bundle,
      LONG,
    );
    expect(took).toBeLessThan(10_000);
    const policy = [{ op: "replace", path: "/webhooks/0/failurePolicy", value: "Ignore" }];
    await api.kubectl(
      "patch",
      "validatingwebhookconfiguration",
      "heddle-validator",
      "--type=json",
      "-p",
      JSON.stringify(policy),
    );
    await until(
      async () => (await configuration(VALIDATOR)).webhooks[0]?.failurePolicy === "Fail",
      LONG,
    );
  }, 120_000);

  it(
    "make their Secret anew as it was, when somebody takes it away",
    async () => {
      const secret = ["get", "secret", "heddle-agent-webhook", "-n", "heddle-system", "-o"];
      const data = await api.kubectl(...secret, "jsonpath={.data}");
      await api.kubectl("delete", "secret", "heddle-agent-webhook", "-n", "heddle-system");
      await until(
        async () => (await api.kubectl(...secret, "name", "--ignore-not-found")) !== "",
        LONG,
      );
      expect(await api.kubectl(...secret, "jsonpath={.data}")).toBe(data);
    },
    LONG,
  );

  it("answer without a gap while certificate and authority are replaced", async () => {
    const [port = 0] = await freePorts(1);
    const address = `127.0.0.1:${port}`;
    const revision = "short";
    const options = { kubeconfig: api.kubeconfig, context: undefined };
    const replica = { name: "replica", namespace: "heddle-system" };
    const cluster = await openCluster(options, { pod: replica, revision, log });
    const { inside } = cluster;
    if (!inside) throw new Error("no cluster");
    const webhooks = await startWebhooks({
      ...{ address, revision, clusterId: "", log, cluster },
      model: { entries: () => [], get: () => undefined },
      mesh: () => ({ rootNamespace: "istio-system", clusterDomain: "cluster.local" }),
      // Replaced every few seconds, and good for a minute: a slow machine is no gap.
      lifetimes: { authority: 120_000, serving: 60_000, renewAt: 0.05 },
    });
    try {
      const [injector] = webhookConfigurations({
        ...{ namespace: "heddle-system", revision, isDefault: false, url: `https://${address}` },
      });
      await api.kubectl.apply(
        injector as object,
        namespace("short", { "istio.io/rev": revision }),
        {
          ...{
            apiVersion: "v1",
            kind: "ServiceAccount",
            metadata: { name: "default", namespace: "short" },
          },
        },
      );
      const place = { apiVersion: "v1", plural: "pods", namespace: "short" };
      const { client } = inside;
      const create = () => client.tryOut(place, pod("a") as never) as Promise<unknown>;
      await until(
        () =>
          create().then(
            () => true,
            () => false,
          ),
        LONG,
      );
      const authorities = new Set<string>();
      const served = new Set<string>();
      const end = Date.now() + 60_000;
      while (Date.now() < end && (authorities.size < 3 || served.size < 5)) {
        expect(proxyIn((await create()) as Pod)).toBeDefined();
        const { data } = (await client.get(
          { apiVersion: "v1", plural: "secrets", namespace: "heddle-system" },
          "heddle-agent-webhook-short",
        )) as unknown as { data: Record<string, string> };
        const pem = (name: string) => new X509Certificate(Buffer.from(data[name] ?? "", "base64"));
        authorities.add(pem("ca.crt").fingerprint);
        served.add(pem("tls.crt").fingerprint);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      // Each of them while the API server asked.
      expect(authorities.size).toBeGreaterThanOrEqual(3);
      expect(served.size).toBeGreaterThanOrEqual(5);
    } finally {
      await webhooks.close();
      await cluster.close();
      await api.kubectl(
        "delete",
        "mutatingwebhookconfiguration",
        "heddle-injector-short",
        "--ignore-not-found",
      );
    }
  }, 120_000);

  it(
    "stop no pod that is not injected, and no rule, when the last agent is gone",
    async () => {
      await agent?.close();
      agent = undefined;
      const policies = (await configuration(VALIDATOR)).webhooks.map(
        ({ failurePolicy }) => failurePolicy,
      );
      expect(new Set(policies)).toEqual(new Set(["Ignore"]));
      await api.kubectl.apply(rule({ ...GOOD, hosts: ["web", "*.web"] }));
      expect(proxyIn(await wouldBe(pod("a"), "plain"))).toBeUndefined();
      expect(
        proxyIn(await wouldBe(pod("a", { "sidecar.istio.io/inject": "false" }), "shop")),
      ).toBeUndefined();
      await expect(wouldBe(pod("a"), "shop")).rejects.toThrow(/failed calling webhook/);
    },
    LONG,
  );

  async function written(object: object): Promise<string> {
    const file = path.join(folder, `object-${Math.random()}.json`);
    await writeFile(file, JSON.stringify(object));
    return file;
  }
});
