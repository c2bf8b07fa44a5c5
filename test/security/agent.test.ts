/** Attacks on the agent: by tokens at its TLS port, by what a node claims, by secrets' names, telemetry and machines' addresses. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Client, credentials, Metadata, ServerCredentials, type ServiceError } from "@grpc/grpc-js";
import { canonical, encode, merge, typeUrls } from "@heddle/envoy";
import type { MeshObject, Pod } from "@heddle/model";
import { encodeLogs } from "@heddle/telemetry";
import {
  createTranslator,
  parseNode,
  TRUST_BUNDLE_SECRET,
  WORKLOAD_SECRET,
  type XdsNode,
} from "@heddle/translate";
import { base64url, exportSPKI, importJWK, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  authenticated,
  CallerRefused,
  createCallers,
  createClusterKeys,
  provenProxy,
  senderOf,
} from "../../agent/src/callers/index.ts";
import type { WorkloadCertificates } from "../../agent/src/identity/certificates.ts";
import { createSecretSource } from "../../agent/src/identity/secret-source.ts";
import { createAdmission } from "../../agent/src/machines/admission.ts";
import { createDirectory } from "../../agent/src/machines/directory.ts";
import { createNodeAddresses } from "../../agent/src/machines/node-addresses.ts";
import { groupObject } from "../../agent/src/machines/testing/entries.ts";
import { startTelemetry } from "../../agent/src/telemetry/start-telemetry.ts";
import { startCollector } from "../../agent/src/telemetry/testing/collector.ts";
import { aggregatedDiscoveryService, createAdsServer } from "../../agent/src/xds/ads-server.ts";
import { createTestViews } from "../../agent/src/xds/testing/views.ts";
import { createAuthority } from "../harness/certificates.ts";
import { object } from "../harness/objects.ts";
import { MESH } from "../harness/world.ts";
import { createIssuerKey, keySet } from "../harness/token-issuer.ts";
import { attack } from "./attack.ts";

const silent = { info() {}, warn() {}, error() {} };
const AGENT = "heddle-agent.heddle-system.svc";
const AUDIENCE = "heddle";
const CLUSTER = "https://kubernetes.default.svc";

/** The cluster, as the agent has heard of it. */
const podOf = (name: string, namespace: string, account: string, uid: string, address: string) =>
  object<Pod>(
    "v1",
    "Pod",
    name,
    { serviceAccountName: account, status: { phase: "Running", podIP: address } } as Pod,
    namespace,
    { uid, labels: { app: account } },
  );
const pods = new Map(
  [
    podOf("web-1", "shop", "web", "1", "10.1.0.1"),
    podOf("vault-1", "bank", "vault", "2", "10.1.0.2"),
    podOf("edge-1", "shop", "edge", "3", "10.1.0.3"),
  ].map((pod) => [`core/Pod/${pod.metadata.namespace}/${pod.metadata.name}`, pod]),
);

const [key, stranger] = await Promise.all([
  createIssuerKey(CLUSTER, "one"),
  createIssuerKey(CLUSTER, "one"),
]);
const bound = (name = "web-1", uid = "1", namespace = "shop", account = "web") => ({
  aud: [AUDIENCE],
  "kubernetes.io": { namespace, serviceaccount: { name: account }, pod: { name, uid } },
});
const good = await key.sign(bound());
const [, payload = ""] = good.split(".");
const headed = (header: object, signature = "") =>
  `${base64url.encode(JSON.stringify(header))}.${payload}.${signature}`;
const byHmac = (secret: string) =>
  new SignJWT({ iss: CLUSTER, ...bound() })
    .setProtectedHeader({ alg: "HS256", kid: "one" })
    .setIssuedAt()
    .setExpirationTime("5m")
    .sign(new TextEncoder().encode(secret));
/** Tokens whose pod has been deleted. */
const deleted = new Set<string>();

const callers = createCallers({
  ...{ audience: AUDIENCE, log: silent, patience: 0 },
  keys: createClusterKeys(
    (of) => Promise.resolve(of === "/openid/v1/jwks" ? keySet(key) : { issuer: CLUSTER }),
    silent,
  ),
  review: (token) =>
    Promise.resolve({ good: !deleted.has(token), reason: "the pod has been deleted" }),
  podAt: (namespace, name) => pods.get(`core/Pod/${namespace}/${name}`),
});
/** The code that a proof ends with, or whom it proves. */
const codeOf = (error: unknown) => (error instanceof CallerRefused ? error.code : String(error));

const NO_CERTIFICATES: WorkloadCertificates = {
  get: () => undefined,
  trustBundle: () => undefined,
  subscribe: () => () => {},
  all: () => [],
  missing: () => [],
  revoke() {},
  close() {},
};

describe("the TLS port", () => {
  let port: number;
  let root: string;
  let close: () => Promise<void>;
  beforeAll(async () => {
    const authority = await createAuthority();
    root = authority.certificate;
    const own = await authority.issue(AGENT);
    const pair = { cert_chain: Buffer.from(own.chain), private_key: Buffer.from(own.key) };
    const secrets = { secret: () => undefined, subscribe: () => () => {} };
    const ads = createAdsServer({ translator: createTestViews(), secrets, log: silent });
    const tls = ServerCredentials.createSsl(null, [pair]);
    port = await ads.start("127.0.0.1:0", authenticated(tls, callers, silent));
    close = () => ads.close();
  });
  afterAll(() => close?.());

  const NODE = {
    id: "sidecar~10.1.0.1~web-1.shop~shop.svc.cluster.local",
    metadata: { NAMESPACE: "shop", SERVICE_ACCOUNT: "web" },
  };
  /** `served`, or the code that the stream ends with. */
  const stream = (token: string | undefined, node: XdsNode = NODE, root_ = root) =>
    new Promise<string>((resolve) => {
      const client = new Client(`127.0.0.1:${port}`, credentials.createSsl(Buffer.from(root_)), {
        "grpc.ssl_target_name_override": AGENT,
        "grpc.default_authority": AGENT,
      });
      const metadata = new Metadata();
      if (token !== undefined) metadata.set("authorization", `Bearer ${token}`);
      const {
        path: to,
        requestSerialize,
        responseDeserialize,
      } = aggregatedDiscoveryService.StreamAggregatedResources;
      const call = client.makeBidiStreamRequest(
        ...([to, requestSerialize, responseDeserialize, metadata] as const),
        { deadline: Date.now() + 10_000 },
      );
      const end = (outcome: string) => {
        resolve(outcome);
        call.cancel();
        client.close();
      };
      call.on("data", () => end("served"));
      call.on("error", ({ details }: ServiceError) => end(/^HDL\d+/.exec(details)?.[0] ?? details));
      const request = { node, typeUrl: typeUrls.cluster };
      call.write(Buffer.from(encode("envoy.service.discovery.v3.DiscoveryRequest", request)));
    });

  test("serves who proves to be a pod", async () => {
    expect(await stream(good)).toBe("served");
  });

  const wants = "a workload's configuration and key";
  const now = Math.floor(Date.now() / 1000);
  const tokens: Readonly<
    Record<string, readonly [gets: string, token: () => string | undefined | Promise<string>]>
  > = {
    "no token": ["HDL7250", () => undefined],
    garbage: ["HDL7251", () => "a.b.c"],
    "what is no token": ["HDL7250", () => "secret"],
    "a token without its signature": ["HDL7250", () => good.split(".").slice(0, 2).join(".")],
    "alg none": ["HDL7250", () => headed({ alg: "none" })],
    "alg none and a signature": ["HDL7251", () => headed({ alg: "none" }, "c2ln")],
    "alg NONE with a key's name": ["HDL7251", () => headed({ alg: "NONE", kid: "one" }, "c2ln")],
    "HS256 by the public key as PEM": [
      "HDL7251",
      async () => byHmac(await exportSPKI((await importJWK(key.publicJwk, "ES256")) as CryptoKey)),
    ],
    "HS256 by the public key as JWK": ["HDL7251", () => byHmac(JSON.stringify(key.publicJwk))],
    "HS256 by the key's coordinate": ["HDL7251", () => byHmac(key.publicJwk.x ?? "")],
    "a signature of zeros": [
      "HDL7251",
      () => headed({ alg: "ES256", kid: "one" }, base64url.encode(new Uint8Array(64))),
    ],
    "the signature of another token": [
      "HDL7251",
      async () =>
        [...good.split(".").slice(0, 2), (await key.sign(bound("vault-1"))).split(".")[2]].join(
          ".",
        ),
    ],
    "a stranger's key of that name": ["HDL7251", () => stranger.sign(bound())],
    "a key that it brings along": [
      "HDL7251",
      () => headed({ alg: "ES256", jwk: stranger.publicJwk }, "c2ln"),
    ],
    "a place where its key is": [
      "HDL7251",
      () => headed({ alg: "ES256", kid: "one", jku: "https://evil.test/keys" }, "c2ln"),
    ],
    "a token for the API server": [
      "HDL7251",
      () => key.sign({ ...bound(), aud: ["https://kubernetes.default.svc"] }),
    ],
    "a token for nobody": ["HDL7251", () => key.sign({ ...bound(), aud: undefined })],
    "a token of another cluster": [
      "HDL7251",
      () => key.sign({ ...bound(), iss: "https://other.example" }),
    ],
    "a token that has expired": ["HDL7251", () => key.sign({ ...bound(), exp: now - 60 })],
    "a token without end": ["HDL7251", () => key.sign({ ...bound(), exp: undefined })],
    "a token that is not good yet": ["HDL7251", () => key.sign({ ...bound(), nbf: now + 60 })],
    "a token that is bound to no pod": [
      "HDL7251",
      () =>
        key.sign({
          ...bound(),
          "kubernetes.io": { namespace: "shop", serviceaccount: { name: "web" } },
        }),
    ],
    "a token that is no account's": ["HDL7251", () => key.sign({ aud: [AUDIENCE] })],
    "a token of a pod that is gone": ["HDL7252", () => key.sign(bound("web-0", "0"))],
    "a token of a pod before this one of its name": [
      "HDL7252",
      () => key.sign(bound("web-1", "0")),
    ],
    "a token of another account than its pod's": [
      "HDL7252",
      () => key.sign(bound("web-1", "1", "shop", "vault")),
    ],
    "a token that the API server has withdrawn": [
      "HDL7252",
      async () => {
        const token = await key.sign({ ...bound(), jti: "withdrawn" });
        deleted.add(token);
        return token;
      },
    ],
  };
  for (const [name, [gets, token]] of Object.entries(tokens))
    attack(`by ${name}`, { wants, gets }, async () => stream(await token()));
  attack("by a token of 20,000 characters", { wants: "time and memory", gets: "HDL7251" }, () =>
    // Headers of that length a server may refuse on its own.
    callers.prove(`${good}${"A".repeat(20_000)}`).then(() => "served", codeOf),
  );
  attack("by a token that was good, when its pod is gone", { wants, gets: "HDL7252" }, async () => {
    const there = podOf("web-2", "shop", "web", "9", "10.1.0.9");
    pods.set("core/Pod/shop/web-2", there);
    const token = await key.sign(bound("web-2", "9"));
    await callers.prove(token);
    pods.delete("core/Pod/shop/web-2");
    return stream(token, { ...NODE, id: NODE.id.replace("web-1", "web-2") });
  });
  attack(
    "in the agent's name",
    { wants: "tokens of those that call him", gets: "no answer" },
    async () => {
      const others = await createAuthority("another mesh");
      const answer = await stream(good, NODE, others.certificate);
      return answer === "served" ? answer : "no answer";
    },
  );

  const claims: Readonly<Record<string, XdsNode>> = {
    "another pod": { ...NODE, id: NODE.id.replace("web-1", "vault-1") },
    "another namespace in its id": { ...NODE, id: NODE.id.replace("web-1.shop", "web-1.bank") },
    "another namespace": { ...NODE, metadata: { ...NODE.metadata, NAMESPACE: "bank" } },
    "another account": { ...NODE, metadata: { ...NODE.metadata, SERVICE_ACCOUNT: "vault" } },
    "another's address": { ...NODE, id: NODE.id.replace("10.1.0.1", "10.1.0.2") },
    "another's address beside its own": {
      ...NODE,
      metadata: { ...NODE.metadata, INSTANCE_IPS: "10.1.0.1,10.1.0.2" },
    },
  };
  for (const [name, node] of Object.entries(claims))
    attack(`as ${name}`, { wants: "to be served as that", gets: "HDL7253" }, () =>
      stream(good, node),
    );
  attack(
    "with labels of another",
    { wants: "the other's rules and keys", gets: "web" },
    async () => {
      const metadata = { ...NODE.metadata, LABELS: { app: "vault" } };
      return provenProxy({ ...NODE, metadata }, await callers.prove(good)).labels["app"] ?? "";
    },
  );

  const translator = createTranslator({
    ...{ mesh: { ...MESH, trustDomain: "own.example" }, clusterId: "c1" },
    envoyApi: { canonical, merge },
  });
  translator.apply([...pods].map(([of, pod]) => ({ key: of, object: pod })));
  for (const name of ["web-1", "edge-1"])
    attack(
      `with the labels and the name of another workload, of pod ${name}`,
      {
        wants: "connections in the other's name",
        gets: `${name}.shop.workload.own.example`,
      },
      async () => {
        const asked: (string | undefined)[] = [];
        const source = createSecretSource({
          trustDomain: "own.example",
          certificates: { ...NO_CERTIFICATES, get: (_, workload) => void asked.push(workload) },
          objectAt: () => undefined,
          workloadOf: (proxy) => translator.workloadOf(proxy).workload,
        });
        const address = pods.get(`core/Pod/shop/${name}`)?.spec.status?.podIP;
        const [uid, account] = name === "web-1" ? ["1", "web"] : ["3", "edge"];
        const LABELS = { app: "till", "service.istio.io/workload-name": "till" };
        const node = {
          id: `sidecar~${address}~${name}.shop~shop.svc.cluster.local`,
          metadata: {
            ...{ NAMESPACE: "shop", SERVICE_ACCOUNT: account, LABELS },
            WORKLOAD_NAME: "till",
          },
        };
        const caller = await callers.prove(await key.sign(bound(name, uid, "shop", account)));
        source.secret(provenProxy(node, caller), WORKLOAD_SECRET, true);
        return asked.join();
      },
    );
});

describe("a secret", () => {
  const asked: string[] = [];
  const certificates = {
    ...NO_CERTIFICATES,
    get: (spiffeId: string) => void asked.push(spiffeId),
  };
  const data = { "tls.crt": "Yw==", "tls.key": "aw==", "ca.crt": "Y2E=" };
  const kept = object("v1", "Secret", "edge", { type: "kubernetes.io/tls", data }, "bank");
  const source = createSecretSource({
    ...{ trustDomain: "own.example", certificates, workloadOf: () => "web" },
    objectAt: (of) => (of === "core/Secret/bank/edge" ? (kept as MeshObject) : undefined),
  });
  const proxy = (type: "sidecar" | "router", namespace: string, account = "web") =>
    parseNode({
      id: `${type}~10.1.0.1~web-1.${namespace}~x`,
      metadata: { NAMESPACE: namespace, SERVICE_ACCOUNT: account },
    });
  const given = (of: ReturnType<typeof proxy>, name: string) =>
    source.secret(of, name, false) === undefined ? "nothing" : "the key";
  const wants = "another namespace's key";
  attack("of another namespace, for a gateway", { wants, gets: "nothing" }, () =>
    given(proxy("router", "shop"), "kubernetes://bank/edge"),
  );
  attack("of its own namespace, for a sidecar", { wants: "a gateway's key", gets: "nothing" }, () =>
    given(proxy("sidecar", "bank"), "kubernetes://bank/edge"),
  );
  for (const name of [
    "kubernetes://shop/../bank/edge",
    "kubernetes://bank%2fedge",
    "kubernetes://../bank/edge",
    "kubernetes://bank/edge-cacert",
    "file:///var/run/secrets/token",
    "spiffe://own.example/ns/bank/sa/vault",
  ])
    attack(`${name}, for a gateway of another namespace`, { wants, gets: "nothing" }, () =>
      given(proxy("router", "shop"), name),
    );
  attack(
    "of a workload, under any name",
    { wants: "another's identity", gets: "spiffe://own.example/ns/shop/sa/web" },
    () => {
      for (const name of [
        WORKLOAD_SECRET,
        TRUST_BUNDLE_SECRET,
        "spiffe://own.example/ns/bank/sa/vault",
      ])
        source.secret(proxy("sidecar", "shop"), name, true);
      return [...new Set(asked)].join();
    },
  );
  attack(
    "of an account with slashes",
    { wants: "another namespace's identity", gets: "nothing" },
    () => given(proxy("sidecar", "shop", "web/../../ns/bank/sa/vault"), WORKLOAD_SECRET),
  );
});

describe("telemetry", () => {
  let folder: string;
  let root: string;
  let collector: Awaited<ReturnType<typeof startCollector>>;
  let telemetry: Awaited<ReturnType<typeof startTelemetry>>;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "heddle-attacks-"));
    const authority = await createAuthority();
    root = authority.certificate;
    const { chain, key: privateKey } = await authority.issue(AGENT);
    collector = await startCollector();
    const peer = { app: "web", version: "v1", canonicalService: "web", canonicalRevision: "v1" };
    telemetry = await startTelemetry({
      ...{ otlpTlsAddress: "127.0.0.1:0", plane: collector.url, spoolDir: folder, batchMs: 20 },
      proxies: () => [],
      tls: {
        shown: () => ({ chain, privateKey }),
        subscribe: () => () => {},
        prove: async (token) =>
          senderOf(
            await callers.prove(token),
            { trustDomain: "own.example", clusterId: "c1" },
            ({ namespace }) => ({ ...peer, workload: "web", namespace, cluster: "c1" }),
          ),
      },
    });
  });
  afterAll(async () => {
    await telemetry?.close();
    await collector?.close();
    await rm(folder, { recursive: true, force: true });
  });
  const send = (token: string | undefined, body: string) => {
    const client = new Client(
      `127.0.0.1:${telemetry.ports.otlpTls}`,
      credentials.createSsl(Buffer.from(root)),
      { "grpc.ssl_target_name_override": AGENT, "grpc.default_authority": AGENT },
    );
    const metadata = new Metadata();
    if (token !== undefined) metadata.set("authorization", `Bearer ${token}`);
    const same = (bytes: Buffer) => bytes;
    const content = encodeLogs([
      {
        ...{ timeNs: 5n, severity: "INFO", body, traceId: "", spanId: "" },
        attributes: {
          ...{ "heddle.reporter": "source", "source.workload": "vault" },
          "source.principal": "spiffe://own.example/ns/bank/sa/vault",
        },
        resource: { "service.name": "vault.bank", "k8s.namespace.name": "bank" },
      },
    ]);
    return new Promise<string>((resolve) => {
      client.makeUnaryRequest(
        "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        ...([same, same, Buffer.from(content), metadata] as const),
        { deadline: Date.now() + 10_000 },
        (error) => {
          client.close();
          resolve(error ? (/HDL\d+/.exec(error.details)?.[0] ?? error.details) : "taken");
        },
      );
    });
  };
  const wants = "telemetry of another workload";
  attack("of another workload", { wants, gets: "web.shop of shop, by web" }, async () => {
    await send(good, "another's");
    for (let tries = 0; tries < 200; tries++) {
      const found = collector.logs.find(({ body }) => body === "another's");
      if (found) {
        const { attributes, resource } = found;
        return `${resource["service.name"]} of ${resource["k8s.namespace.name"]}, by ${attributes["source.workload"]}`;
      }
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    return "nothing";
  });
  attack("by nobody", { wants, gets: "HDL7250" }, () => send(undefined, "nobody's"));
  attack("by a forged token", { wants, gets: "HDL7251" }, () =>
    send(headed({ alg: "none" }, "c2ln"), "nobody's"),
  );
});

describe("a machine", () => {
  const account = { namespace: "shop", serviceAccount: "legacy" };
  const inGroup = (group: string, more: object = {}) => ({
    annotations: { "istio.io/autoRegistrationGroup": group, ...more },
  });
  const entry = (name: string, spec: object, more: object) =>
    object("networking.istio.io/v1", "WorkloadEntry", name, spec, "shop", more);
  const objects = new Map<string, MeshObject>(
    [
      groupObject("legacy", "legacy"),
      groupObject("others", "other"),
      object("v1", "Service", "web", { clusterIP: "10.96.0.9", clusterIPs: ["10.96.0.9"] }, "shop"),
      ...pods.values(),
      entry("theirs", { address: "10.2.0.1" }, inGroup("others")),
      entry("nobodys", { address: "10.2.0.2" }, {}),
      entry("foreign", { address: "10.2.0.5", serviceAccount: "x" }, inGroup("legacy")),
    ].map((each) => {
      const { apiVersion, kind, metadata } = each as MeshObject;
      const group = apiVersion.includes("/") ? apiVersion.split("/")[0] : "core";
      return [`${group}/${kind}/${metadata.namespace}/${metadata.name}`, each as MeshObject];
    }),
  );
  const directory = createDirectory((of) => objects.get(of));
  directory.objectsChanged(objects.keys());
  const node = {
    ...{ apiVersion: "v1", kind: "Node", metadata: { name: "node-1" } },
    status: { addresses: [{ address: "10.7.0.1" }] },
  };
  const connected = {
    ...{
      ...account,
      name: "m-1",
      group: "legacy",
      address: "10.3.0.7",
      entry: "m",
      registers: true,
    },
    locality: "",
  };
  const accounts = createAdmission({
    ...{ directory, objectAt: (of) => objects.get(of), replica: "a", loopback: false, patience: 0 },
    nodes: createNodeAddresses(() => Promise.resolve([node]), silent),
    live: (address) => (address === connected.address ? connected : undefined),
    admitted: () => {},
  });
  const admitted = async (said: {
    readonly address?: string;
    readonly type?: string;
    readonly namespace?: string;
    readonly metadata?: Readonly<Record<string, unknown>>;
  }) => {
    const { address = "10.3.0.1", type = "sidecar", namespace = "shop", metadata } = said;
    const id = `${type}~${address}~m-2.${namespace}~${namespace}.svc.cluster.local`;
    try {
      const from = await accounts(account);
      return from.admit({ id, metadata: { AUTO_REGISTER_GROUP: "legacy", ...metadata } }).pod;
    } catch (error) {
      return codeOf(error);
    }
  };
  test("is let in with an address that nobody has", async () => {
    expect(await admitted({})).toBe("legacy-10.3.0.1");
  });
  const wants = "to get what is sent to another";
  for (const [name, address] of Object.entries({
    "a pod's": "10.1.0.1",
    "a Service's": "10.96.0.9",
    "a Node's": "10.7.0.1",
    "another group's": "10.2.0.1",
    "an entry's of nobody": "10.2.0.2",
    "another account's": "10.2.0.5",
    "a connected machine's": "10.3.0.7",
    "the loopback's": "127.0.0.1",
    "the metadata server's": "169.254.169.254",
    "a pod's in IPv6's clothes": "::ffff:10.1.0.1",
  }))
    attack(`with ${name} address`, { wants, gets: "HDL7253" }, () => admitted({ address }));
  attack("with two addresses", { wants, gets: "HDL7253" }, () =>
    admitted({ metadata: { INSTANCE_IPS: "10.3.0.1,10.3.0.2" } }),
  );
  attack("as a gateway", { wants: "the namespace's keys", gets: "HDL7253" }, () =>
    admitted({ type: "router" }),
  );
  attack("of another account's group", { wants: "to be the other", gets: "HDL7253" }, () =>
    admitted({ metadata: { AUTO_REGISTER_GROUP: "others" } }),
  );
  attack("of another namespace", { wants: "to be the other's", gets: "HDL7253" }, () =>
    admitted({ namespace: "bank" }),
  );
});
