/** Proxyless clients, gRPC's own in JavaScript and in Go: what they take of traffic rules, and how they reach what takes mutual TLS alone. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import * as grpc from "@grpc/grpc-js";
import { createAdsServer } from "@heddle/agent/xds";
import { canonical, merge } from "@heddle/envoy";
import {
  type HTTPRoute,
  type LoadBalancerSettings,
  type MeshObject,
  objectKey,
} from "@heddle/model";
import { createTranslator } from "@heddle/translate";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createAuthority, workloadSecrets } from "../harness/certificates.ts";
import { envoyBinary, type RunningEnvoy, startEnvoy } from "../harness/envoy-process.ts";
import {
  destinationRule,
  peerAuthentication,
  pod,
  service,
  virtualService,
} from "../harness/objects.ts";
import { bootstrapOf as sidecarOf, MESH } from "../harness/world.ts";
import {
  bootstrapOf,
  buildGrpcGo,
  type Caller,
  type Calls,
  SAY,
  startGrpcGo,
  startGrpcJs,
} from "./grpc-callers.ts";

const PORT = 7070;
const V1 = "127.176.0.2";
const V2 = "127.176.0.3";
const SECURE = { address: "127.176.0.4", application: "127.176.1.4" };
const GRPC = [{ name: "grpc", port: PORT }];
const { OK, UNAVAILABLE, DEADLINE_EXCEEDED, PERMISSION_DENIED } = grpc.status;

const folder = await mkdtemp(path.join(tmpdir(), "heddle-proxyless-"));
const goClient = buildGrpcGo(folder);

const to = (host: string, subset?: string) => ({
  destination: { host, ...(subset ? { subset } : {}) },
});
const headed = (name: string): Pick<HTTPRoute, "match"> => ({
  match: [{ headers: { [name]: { exact: "yes" } } }],
});
/** A service of both versions with a subset for each, and rules where there are any. */
const both = (
  name: string,
  http: readonly HTTPRoute[] = [],
  loadBalancer?: LoadBalancerSettings,
): readonly MeshObject[] => [
  ...service(name, GRPC, [V1, V2]),
  destinationRule(name, {
    host: name,
    ...(loadBalancer ? { trafficPolicy: { loadBalancer } } : {}),
    subsets: ["v1", "v2"].map((version) => ({ name: version, labels: { version } })),
  }),
  ...(http.length > 0 ? [virtualService(name, { hosts: [name], http: [...http] })] : []),
];
const hashed = (settings: { maglev: object } | { ringHash: object }): LoadBalancerSettings => ({
  consistentHash: { httpHeaderName: "x-user", ...settings },
});
const always = { value: 100 };

const OBJECTS: readonly MeshObject[] = [
  pod({ name: "v1", address: V1, labels: { app: "echo", version: "v1" }, mesh: false }),
  pod({ name: "v2", address: V2, labels: { app: "echo", version: "v2" }, mesh: false }),
  pod({
    name: "secure",
    address: SECURE.address,
    labels: { app: "secure" },
    serviceAccount: "secure",
  }),
  // Clusters of what is behind a sidecar differ for an Envoy: each endpoint says which TLS it takes.
  ...service("inside", GRPC, [V1, SECURE.address]),
  ...service("secure", GRPC, [SECURE.address]),
  peerAuthentication("secure", {
    selector: { matchLabels: { app: "secure" } },
    mtls: { mode: "STRICT" },
  }),
  ...both("plain", [], { simple: "LEAST_REQUEST" }),
  ...both("weights", [
    {
      route: [
        { ...to("weights", "v1"), weight: 80 },
        { ...to("weights", "v2"), weight: 20 },
      ],
    },
  ]),
  ...both("matches", [
    { ...headed("x-second"), route: [to("matches", "v2")] },
    { match: [{ queryParams: { q: { exact: "1" } } }], route: [to("matches", "v2")] },
    { match: [{ uri: { exact: "/test.Echo/Other" } }], route: [to("matches", "v2")] },
    { route: [to("matches", "v1")] },
  ]),
  ...both("timeouts", [
    { ...headed("x-hasty"), timeout: "300ms", route: [to("timeouts")] },
    { route: [to("timeouts")] },
  ]),
  ...both("retries", [
    { ...headed("x-once"), retries: { attempts: 0 }, route: [to("retries")] },
    { retries: { attempts: 2, retryOn: "unavailable" }, route: [to("retries")] },
  ]),
  ...both("faults", [
    {
      ...headed("x-abort"),
      fault: { abort: { httpStatus: 403, percentage: always } },
      route: [to("faults")],
    },
    {
      ...headed("x-delay"),
      fault: { delay: { fixedDelay: "400ms", percentage: always } },
      route: [to("faults")],
    },
    { route: [to("faults")] },
  ]),
  ...both("answers", [
    { ...headed("x-moved"), redirect: { uri: "/other" } },
    { ...headed("x-told"), directResponse: { status: 403 } },
    { corsPolicy: { allowOrigins: [{ exact: "https://a.test" }] }, route: [to("answers")] },
  ]),
  ...both("ring", [], hashed({ ringHash: { minimumRingSize: 100 } })),
  ...both("maglev", [], hashed({ maglev: { tableSize: 1009 } })),
];

/** `slow:<milliseconds>` answers after that time, `flaky:<name>` with UNAVAILABLE the first time; else at once, with its own name. */
async function startEcho(name: string, address: string, seen: Set<string>): Promise<grpc.Server> {
  const server = new grpc.Server();
  type Reply = (error: Partial<grpc.ServiceError> | null, value?: Buffer) => void;
  const say = ({ request }: { request: Buffer }, reply: Reply) => {
    const text = String(request);
    const [verb, argument] = text.split(":");
    const first = !seen.has(text);
    seen.add(text);
    if (verb === "flaky" && first) reply({ code: UNAVAILABLE, details: "the first time" });
    else setTimeout(() => reply(null, Buffer.from(name)), verb === "slow" ? Number(argument) : 0);
  };
  server.addService({ say: SAY }, { say });
  await new Promise<void>((resolve, reject) =>
    server.bindAsync(`${address}:${PORT}`, grpc.ServerCredentials.createInsecure(), (error) =>
      error ? reject(error) : resolve(),
    ),
  );
  return server;
}

const translator = createTranslator({
  mesh: MESH,
  clusterId: "c1",
  envoyApi: { canonical, merge },
});
const problems: unknown[] = [];
const ads = createAdsServer({
  translator,
  secrets: { secret: () => undefined, subscribe: () => () => {} },
  log: { info() {}, warn: (message, fields) => problems.push({ message, ...fields }) },
});
const callers = new Map<string, Caller>();
const servers: grpc.Server[] = [];
let sidecar: RunningEnvoy | undefined;

beforeAll(async () => {
  translator.apply(OBJECTS.map((object) => ({ key: objectKey(object), object })));
  await translator.settled();
  const xds = `127.0.0.1:${await ads.start("127.0.0.1:0")}`;
  ads.setRevision(1);
  const seen = new Set<string>();
  for (const [name, address] of [
    ["v1", V1],
    ["v2", V2],
    ["secure", SECURE.application],
  ] as const)
    servers.push(await startEcho(name, address, seen));
  const authority = await createAuthority();
  const identity = (name: string) =>
    authority.issue(`spiffe://cluster.local/ns/default/sa/${name}`);
  if (envoyBinary) {
    sidecar = await startEnvoy(
      sidecarOf(OBJECTS, {
        ...{ pod: "secure", address: SECURE.address, labels: { app: "secure" } },
        appAddress: SECURE.application,
        secrets: workloadSecrets(await identity("secure"), authority.certificate),
      }),
    );
  }
  const files = {
    certificate_file: path.join(folder, "chain.pem"),
    private_key_file: path.join(folder, "key.pem"),
    ca_certificate_file: path.join(folder, "root.pem"),
  };
  const own = await identity("caller");
  await writeFile(files.certificate_file, own.chain);
  await writeFile(files.private_key_file, own.key);
  await writeFile(files.ca_certificate_file, authority.certificate);
  const id = (name: string) => `sidecar~127.176.0.9~${name}.default~default.svc.cluster.local`;
  callers.set("grpc-js", startGrpcJs(bootstrapOf(xds, id("js"))));
  if (goClient) {
    callers.set("grpc-go", startGrpcGo(goClient, bootstrapOf(xds, id("go"))));
    callers.set("certified", startGrpcGo(goClient, bootstrapOf(xds, id("certified"), files)));
  }
});
afterAll(async () => {
  for (const caller of callers.values()) caller.stop();
  await ads.close();
  await sidecar?.stop();
  for (const server of servers) server.forceShutdown();
  await rm(folder, { recursive: true, force: true });
});

const call = async (by: string, host: string, calls: Partial<Calls> = {}) => {
  const start = performance.now();
  const asked: Calls = {
    ...{ target: `xds:///${host}.default.svc.cluster.local:${PORT}`, message: "hello" },
    ...{ headers: {}, count: 1, timeoutMs: 15_000, ...calls },
  };
  const outcome = await (callers.get(by) as Caller).call(asked);
  return { ...outcome, took: performance.now() - start };
};
const yes = (name: string) => ({ headers: { [name]: "yes" } });

describe.each(["grpc-js", "grpc-go"])("%s", (by) => {
  const missing = by === "grpc-go" && !goClient;
  const clientTest = test.skipIf(missing);

  clientTest("calls every endpoint of a service", async () => {
    const { replies, error } = await call(by, "plain", { count: 20 });
    expect(Object.keys(replies).toSorted(), error).toEqual(["v1", "v2"]);
  });

  clientTest(
    "calls in plain text what takes it, whatever proxies other endpoints have",
    async () => {
      const { replies, error } = await call(by, "inside", { count: 10 });
      expect(replies["v1"], error).toBeGreaterThan(0);
    },
  );

  clientTest("divides calls by the weights of a route", async () => {
    const { replies } = await call(by, "weights", { count: 2000 });
    expect(Math.abs((replies["v2"] ?? 0) / 2000 - 0.2)).toBeLessThan(0.05);
    expect((replies["v1"] ?? 0) + (replies["v2"] ?? 0)).toBe(2000);
  });

  clientTest("goes by headers and by the method's name; no call has a query", async () => {
    expect((await call(by, "matches", { ...yes("x-second"), count: 10 })).replies).toEqual({
      v2: 10,
    });
    expect((await call(by, "matches", { count: 10 })).replies).toEqual({ v1: 10 });
  });

  clientTest("gives up after the time-out of a route, whatever its own deadline", async () => {
    const message = "slow:2000";
    const hasty = await call(by, "timeouts", { ...yes("x-hasty"), message });
    expect(hasty.codes).toEqual({ [DEADLINE_EXCEEDED]: 1 });
    expect(hasty.took).toBeLessThan(1900);
    expect((await call(by, "timeouts", { message })).codes).toEqual({ [OK]: 1 });
  });

  clientTest("tries again as a route says", async () => {
    expect((await call(by, "retries", { message: `flaky:${by}-1` })).codes).toEqual({ [OK]: 1 });
    const once = await call(by, "retries", { ...yes("x-once"), message: `flaky:${by}-2` });
    expect(once.codes).toEqual({ [UNAVAILABLE]: 1 });
  });

  clientTest("makes the faults of a route", async () => {
    const aborted = await call(by, "faults", yes("x-abort"));
    expect(aborted.codes).toEqual({ [PERMISSION_DENIED]: 1 });
    const delayed = await call(by, "faults", yes("x-delay"));
    expect(delayed.codes).toEqual({ [OK]: 1 });
    expect(delayed.took).toBeGreaterThan(390);
    expect((await call(by, "faults")).codes).toEqual({ [OK]: 1 });
  });

  clientTest("fails where a proxy would answer by itself, and there alone", async () => {
    expect((await call(by, "answers")).codes).toEqual({ [OK]: 1 });
    expect((await call(by, "answers", yes("x-told"))).codes).toEqual({ [PERMISSION_DENIED]: 1 });
    expect((await call(by, "answers", yes("x-moved"))).codes).not.toHaveProperty(String(OK));
  });

  clientTest.each(["ring", "maglev"])(
    "calls the endpoint that a header is hashed to: %s",
    async (host) => {
      const seen = new Set<string>();
      for (let user = 0; user < 30; user++) {
        const { replies } = await call(by, host, { headers: { "x-user": `u${user}` }, count: 3 });
        expect(Object.keys(replies)).toHaveLength(1);
        seen.add(Object.keys(replies)[0] ?? "");
      }
      expect(seen).toEqual(new Set(["v1", "v2"]));
    },
  );

  test.skipIf(missing || !envoyBinary)(
    "cannot reach what takes mutual TLS alone without a provider of certificates",
    async () => {
      const { codes } = await call(by, "secure", { timeoutMs: 3000 });
      expect(codes).not.toHaveProperty(String(OK));
    },
  );
});

test.skipIf(!goClient || !envoyBinary)(
  "reaches what takes mutual TLS alone with certificates from the provider that its node names",
  async () => {
    const { replies, error } = await call("certified", "secure", { count: 5 });
    expect(replies, error).toEqual({ secure: 5 });
    expect((await call("certified", "plain", { count: 5 })).codes).toEqual({ [OK]: 5 });
  },
);

test("no client has refused anything", () => {
  expect(problems).toEqual([]);
});
