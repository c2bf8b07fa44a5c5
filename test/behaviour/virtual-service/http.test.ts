/** Every route feature, by real requests: client → its Envoy → the server's Envoy → application. */
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { HTTPRoute } from "@heddle/model";
import { type Application, startApplication } from "../../harness/application.ts";
import { createAuthority, workloadSecrets } from "../../harness/certificates.ts";
import { envoyBinary, type RunningEnvoy, startEnvoy } from "../../harness/envoy-process.ts";
import type { TestMesh } from "../../harness/mesh.ts";
import { destinationRule, pod, service, virtualService } from "../../harness/objects.ts";
import { type Answer, ask, type Asking } from "../../harness/request.ts";
import { sharesOf } from "../../harness/shares.ts";
import { bootstrapOf } from "../../harness/world.ts";
import { proves } from "../proves.ts";

const CLIENT = "127.71.0.1";
const V1 = { address: "127.71.0.2", app: "127.71.1.2" };
const V2 = { address: "127.71.0.3", app: "127.71.1.3" };
const PROXY_PORT = 15001;
const PORT = 9080;

const to = (subset?: string, host = "reviews") => ({
  destination: { host, ...(subset ? { subset } : {}) },
});
const at = (path: string): Pick<HTTPRoute, "match"> => ({ match: [{ uri: { exact: path } }] });

const RULES: readonly HTTPRoute[] = [
  { ...at("/exact"), route: [to("v2")] },
  { match: [{ uri: { prefix: "/prefix/" } }], route: [to("v2")] },
  { match: [{ uri: { regex: "/regex/[0-9]+" } }], route: [to("v2")] },
  { match: [{ uri: { exact: "/Case" }, ignoreUriCase: true }], route: [to("v2")] },
  { match: [{ uri: { exact: "/method" }, method: { exact: "DELETE" } }], route: [to("v2")] },
  {
    match: [{ uri: { exact: "/authority" }, authority: { prefix: "reviews.default" } }],
    route: [to("v2")],
  },
  { match: [{ uri: { exact: "/scheme" }, scheme: { exact: "http" } }], route: [to("v2")] },
  {
    match: [{ uri: { exact: "/header" }, headers: { "end-user": { exact: "jason" } } }],
    route: [to("v2")],
  },
  {
    match: [{ uri: { exact: "/header-regex" }, headers: { cookie: { regex: ".*user=j.*" } } }],
    route: [to("v2")],
  },
  { match: [{ uri: { exact: "/header-there" }, headers: { "x-there": {} } }], route: [to("v2")] },
  {
    match: [{ uri: { exact: "/without" }, withoutHeaders: { "x-old": { exact: "yes" } } }],
    route: [to("v2")],
  },
  { match: [{ uri: { exact: "/query" }, queryParams: { q: { exact: "1" } } }], route: [to("v2")] },
  { match: [{ uri: { exact: "/port" }, port: PORT }], route: [to("v2")] },
  { match: [{ uri: { exact: "/port-other" }, port: 1 }], route: [to("v2")] },
  { match: [{ uri: { exact: "/labels" }, sourceLabels: { app: "client" } }], route: [to("v2")] },
  {
    match: [{ uri: { exact: "/labels-other" }, sourceLabels: { app: "stranger" } }],
    route: [to("v2")],
  },
  { match: [{ uri: { exact: "/namespace" }, sourceNamespace: "default" }], route: [to("v2")] },
  {
    match: [{ uri: { exact: "/namespace-other" }, sourceNamespace: "elsewhere" }],
    route: [to("v2")],
  },
  { match: [{ uri: { exact: "/gateway-only" }, gateways: ["edge"] }], route: [to("v2")] },
  { match: [{ uri: { exact: "/mesh-only" }, gateways: ["mesh"] }], route: [to("v2")] },
  { match: [{ uri: { exact: "/either" } }, { uri: { exact: "/or" } }], route: [to("v2")] },
  {
    ...at("/weights"),
    route: [
      { ...to("v1"), weight: 80 },
      { ...to("v2"), weight: 20 },
    ],
  },
  {
    ...at("/weight-zero"),
    route: [
      { ...to("v1"), weight: 0 },
      { ...to("v2"), weight: 100 },
    ],
  },
  {
    ...at("/weighted-headers"),
    route: [
      { ...to("v1"), weight: 1, headers: { response: { set: { "x-chosen": "v1" } } } },
      { ...to("v2"), weight: 1, headers: { response: { set: { "x-chosen": "v2" } } } },
    ],
  },
  { ...at("/redirect"), redirect: { uri: "/elsewhere", authority: "other.example" } },
  { ...at("/redirect-code"), redirect: { redirectCode: 308, scheme: "https", port: 8443 } },
  {
    ...at("/redirect-port"),
    redirect: { derivePort: "FROM_REQUEST_PORT", authority: "other.example" },
  },
  {
    match: [{ uri: { prefix: "/old/" } }],
    rewrite: { uri: "/new/", authority: "rewritten.example" },
    route: [to("v2")],
  },
  {
    match: [{ uri: { prefix: "/rx/" } }],
    rewrite: { uriRegexRewrite: { match: "/rx/([^/]+)/(.*)", rewrite: String.raw`/\2/\1` } },
    route: [to("v2")],
  },
  { match: [{ uri: { regex: "/whole/.*" } }], rewrite: { uri: "/replaced" }, route: [to("v2")] },
  { ...at("/teapot"), directResponse: { status: 418, body: { string: "short and stout" } } },
  { ...at("/mirror"), route: [to("v1")], mirror: { host: "reviews", subset: "v2" } },
  {
    ...at("/mirror-none"),
    route: [to("v1")],
    mirror: { host: "reviews", subset: "v2" },
    mirrorPercentage: { value: 0 },
  },
  {
    ...at("/mirrors"),
    route: [to("v1")],
    mirrors: [
      { destination: { host: "reviews", subset: "v2" } },
      { destination: { host: "reviews", subset: "v2" }, percentage: { value: 100 } },
    ],
  },
  {
    ...at("/delayed"),
    fault: { delay: { fixedDelay: "300ms", percentage: { value: 100 } } },
    route: [to("v1")],
  },
  {
    ...at("/aborted"),
    fault: { abort: { httpStatus: 418, percentage: { value: 100 } } },
    route: [to("v1")],
  },
  {
    ...at("/aborted-half"),
    fault: { abort: { httpStatus: 418, percentage: { value: 50 } } },
    route: [to("v1")],
  },
  { ...at("/aborted-none"), fault: { abort: { httpStatus: 418 } }, route: [to("v1")] },
  {
    ...at("/aborted-grpc"),
    fault: { abort: { grpcStatus: "UNAVAILABLE", percentage: { value: 100 } } },
    route: [to("v1")],
  },
  { match: [{ uri: { prefix: "/slow/" } }], timeout: "200ms", route: [to("v1")] },
  {
    match: [{ uri: { prefix: "/flaky/retried" } }],
    retries: { attempts: 2, retryOn: "503" },
    route: [to("v1")],
  },
  { match: [{ uri: { prefix: "/flaky/off" } }], retries: { attempts: 0 }, route: [to("v1")] },
  {
    match: [{ uri: { prefix: "/cors" } }],
    corsPolicy: {
      allowOrigins: [{ exact: "https://shop.example" }],
      allowMethods: ["GET", "PUT"],
      allowHeaders: ["x-a", "x-b"],
      exposeHeaders: ["x-c"],
      maxAge: "10m",
      allowCredentials: true,
    },
    route: [to("v1")],
  },
  {
    ...at("/operations"),
    headers: {
      request: {
        set: { "x-set": "rule" },
        add: { "x-add": "rule" },
        remove: ["x-gone", "Host", ":path"],
      },
      response: { add: { "x-answer": "rule" }, remove: ["x-application"] },
    },
    route: [
      {
        ...to("v1"),
        headers: { request: { set: { "x-set": "destination" }, add: { "x-add": "destination" } } },
      },
    ],
  },
  {
    ...at("/host-header"),
    headers: { request: { set: { Host: "changed.example" } } },
    route: [to("v1")],
  },
  { ...at("/nowhere"), route: [to("v1", "missing.default.svc.cluster.local")] },
  { match: [{ uri: { prefix: "/flaky/default" } }], route: [to("v1")] },
  {
    match: [
      { uri: { prefix: "/slow-default" } },
      { uri: { prefix: "/" }, headers: { "x-any": { exact: "1" } } },
    ],
    route: [to("v1")],
  },
  { name: "rest", route: [to("v1")] },
];

const OBJECTS = [
  pod({ name: "client", address: CLIENT, labels: { app: "client" } }),
  pod({
    name: "reviews-v1",
    address: V1.address,
    labels: { app: "reviews", version: "v1" },
    serviceAccount: "reviews",
  }),
  pod({
    name: "reviews-v2",
    address: V2.address,
    labels: { app: "reviews", version: "v2" },
    serviceAccount: "reviews",
  }),
  ...service("reviews", [{ name: "http", port: PORT }], [V1.address, V2.address]),
  ...service("hashed", [{ name: "http", port: PORT }], [V1.address, V2.address]),
  ...service("plain", [{ name: "http", port: 80, targetPort: PORT }], [V2.address]),
  ...service("ruled", [{ name: "http", port: PORT }], [V1.address]),
  ...service("aside", [{ name: "http", port: PORT }], [V1.address]),
  virtualService("reviews", { hosts: ["reviews"], http: [...RULES] }),
  virtualService("ruled", {
    hosts: ["ruled"],
    http: [{ ...at("/only"), route: [to(undefined, "ruled")] }],
  }),
  virtualService("aside", {
    hosts: ["aside"],
    http: [{ match: [{ sourceLabels: { app: "stranger" } }], directResponse: { status: 299 } }],
  }),
  destinationRule("reviews", {
    host: "reviews",
    subsets: [
      { name: "v1", labels: { version: "v1" } },
      { name: "v2", labels: { version: "v2" } },
    ],
  }),
  destinationRule("hashed", {
    host: "hashed",
    trafficPolicy: { loadBalancer: { consistentHash: { httpHeaderName: "x-user" } } },
  }),
];

// Ten thousand requests take their time where other tests run beside them.
vi.setConfig({ testTimeout: 120_000 });

describe.skipIf(!envoyBinary)("routes of a VirtualService, in Envoy", () => {
  const envoys: RunningEnvoy[] = [];
  const applications: Application[] = [];

  beforeAll(async () => {
    const authority = await createAuthority();
    const secretsOf = async (account: string) =>
      workloadSecrets(
        await authority.issue(`spiffe://cluster.local/ns/default/sa/${account}`),
        authority.certificate,
      );
    for (const [version, { address, app }] of Object.entries({ v1: V1, v2: V2 })) {
      applications.push(await startApplication(version, app, PORT));
      const labels = { app: "reviews", version };
      envoys.push(
        await startEnvoy(
          bootstrapOf(OBJECTS, {
            pod: `reviews-${version}`,
            address,
            appAddress: app,
            labels,
            secrets: await secretsOf("reviews"),
          }),
        ),
      );
    }
    const client = {
      pod: "client",
      address: CLIENT,
      labels: { app: "client" },
      httpProxyPort: PROXY_PORT,
      secrets: await secretsOf("client"),
    };
    envoys.push(await startEnvoy(bootstrapOf(OBJECTS, client)));
  });

  afterAll(async () => {
    await Promise.all(envoys.map((envoy) => envoy.stop()));
    await Promise.all(applications.map((application) => application.stop()));
  });

  const get = (path: string, asking?: Asking, authority = `reviews:${PORT}`): Promise<Answer> =>
    ask(CLIENT, PROXY_PORT, authority, path, asking);
  const versionOf = async (path: string, asking?: Asking, authority?: string) =>
    (await get(path, asking, authority)).echo().name;

  type Case = readonly [what: string, path: string, asking: Asking, expected: "v1" | "v2"];
  const matches = (field: string, cases: readonly Case[]) =>
    proves("VirtualService", [`http[].match[].${field}`], `matches ${cases[0]?.[0]}`, async () => {
      for (const [what, path, asking, expected] of cases)
        expect(await versionOf(path, asking), what).toBe(expected);
    });

  matches("uri.exact", [
    ["an exact path", "/exact", {}, "v2"],
    ["no longer path than the exact one", "/exact/more", {}, "v1"],
  ]);
  matches("uri.prefix", [["a prefix of the path", "/prefix/a/b", {}, "v2"]]);
  matches("uri.regex", [
    ["a regular expression on the whole path", "/regex/12", {}, "v2"],
    ["no path of which a regular expression covers a part", "/regex/12x", {}, "v1"],
  ]);
  matches("ignoreUriCase", [
    ["a path in another case where that is asked for", "/cASE", {}, "v2"],
    ["no other path in another case", "/eXACT", {}, "v1"],
  ]);
  matches("method.exact", [
    ["a method", "/method", { method: "DELETE" }, "v2"],
    ["no other method", "/method", {}, "v1"],
  ]);
  matches("headers{}.exact", [
    ["a header", "/header", { headers: { "end-user": "jason" } }, "v2"],
    ["no other value of a header", "/header", { headers: { "end-user": "jasonx" } }, "v1"],
    ["a header that is there", "/header-there", { headers: { "x-there": "whatever" } }, "v2"],
    ["no missing header", "/header-there", {}, "v1"],
  ]);
  matches("headers{}.regex", [
    [
      "a header by regular expression",
      "/header-regex",
      { headers: { cookie: "a=b; user=jo" } },
      "v2",
    ],
    [
      "no header that a regular expression does not cover",
      "/header-regex",
      { headers: { cookie: "a=b" } },
      "v1",
    ],
  ]);
  matches("withoutHeaders{}.exact", [
    ["the absence of a header", "/without", {}, "v2"],
    [
      "another value of a header that must not have one",
      "/without",
      { headers: { "x-old": "no" } },
      "v2",
    ],
    [
      "no request with the header that must not be",
      "/without",
      { headers: { "x-old": "yes" } },
      "v1",
    ],
  ]);
  matches("queryParams{}.exact", [
    ["a query parameter", "/query?q=1", {}, "v2"],
    ["no other query parameter", "/query?q=12", {}, "v1"],
  ]);
  matches("port", [
    ["the port of the service", "/port", {}, "v2"],
    ["no other port", "/port-other", {}, "v1"],
  ]);
  matches("sourceLabels", [
    ["labels of the client", "/labels", {}, "v2"],
    ["no other client's labels", "/labels-other", {}, "v1"],
  ]);
  matches("sourceNamespace", [
    ["the namespace of the client", "/namespace", {}, "v2"],
    ["no other namespace", "/namespace-other", {}, "v1"],
  ]);
  matches("gateways", [
    ["the mesh, where gateways are named", "/mesh-only", {}, "v2"],
    ["no rule of a gateway", "/gateway-only", {}, "v1"],
  ]);

  test.each([
    ["a scheme", "/scheme", {}, "v2"],
    ["the first of two matches", "/either", {}, "v2"],
    ["the second of two matches", "/or", {}, "v2"],
  ] as const)("matches %s", async (_, path, asking, expected) => {
    expect(await versionOf(path, asking)).toBe(expected);
  });

  test("matches an authority", async () => {
    expect(await versionOf("/authority", {}, `reviews.default.svc.cluster.local:${PORT}`)).toBe(
      "v2",
    );
    expect(await versionOf("/authority")).toBe("v1");
  });

  proves(
    "VirtualService",
    ["http[].route[].weight", "http[].route[].destination.{host,subset}"],
    "divides by weight",
    async () => {
      const client: Pick<TestMesh<"client">, "get"> = {
        get: (_, authority, path = "/", asking) => get(path, asking, authority),
      };
      const shares = await sharesOf(client, "client", `reviews:${PORT}`, { path: "/weights" });
      expect(Math.abs(shares.of("v2") - 0.2)).toBeLessThan(0.02);
      expect(Math.abs(shares.of("v1") - 0.8)).toBeLessThan(0.02);
    },
  );

  test("sends nothing to a weight of 0", async () => {
    const versions = await Promise.all(Array.from({ length: 20 }, () => versionOf("/weight-zero")));
    expect(new Set(versions)).toEqual(new Set(["v2"]));
  });

  proves(
    "VirtualService",
    ["http[].route[].headers.response.set"],
    "applies a weighted destination's own header operations",
    async () => {
      const answers = await Promise.all(Array.from({ length: 20 }, () => get("/weighted-headers")));
      expect(new Set(answers.map(({ headers }) => headers["x-chosen"]))).toEqual(
        new Set(["v1", "v2"]),
      );
      for (const answer of answers) expect(answer.headers["x-chosen"]).toBe(answer.echo().name);
    },
  );

  proves(
    "VirtualService",
    [
      "http[].redirect.{uri,authority,redirectCode,scheme,port}",
      "http[].redirect.derivePort=FROM_REQUEST_PORT",
    ],
    "redirects, with 301 and the default port unless told otherwise",
    async () => {
      const plain = await get("/redirect");
      expect([plain.status, plain.headers["location"]]).toEqual([
        301,
        "http://other.example/elsewhere",
      ]);
      const other = await get("/redirect-code");
      expect([other.status, other.headers["location"]]).toEqual([
        308,
        "https://reviews:8443/redirect-code",
      ]);
      expect((await get("/redirect-port")).headers["location"]).toBe(
        `http://other.example:${PORT}/redirect-port`,
      );
    },
  );

  proves(
    "VirtualService",
    ["http[].rewrite.{uri,authority}"],
    "rewrites prefix and authority",
    async () => {
      const echo = (await get("/old/a?b=c")).echo();
      expect(echo.url).toBe("/new/a?b=c");
      expect(echo.headers["host"]).toBe("rewritten.example");
    },
  );

  proves(
    "VirtualService",
    ["http[].rewrite.uriRegexRewrite.{match,rewrite}"],
    "rewrites by regular expression",
    async () => {
      expect((await get("/rx/one/two/three")).echo().url).toBe("/two/three/one");
    },
  );

  test("rewrites the whole of a path that a regular expression matched", async () => {
    expect((await get("/whole/a/b")).echo().url).toBe("/replaced");
  });

  proves(
    "VirtualService",
    ["http[].directResponse.status", "http[].directResponse.body.string"],
    "answers by itself",
    async () => {
      const answer = await get("/teapot");
      expect([answer.status, answer.body]).toEqual([418, "short and stout"]);
    },
  );

  proves(
    "VirtualService",
    [
      "http[].mirror.{host,subset}",
      "http[].mirrors[].destination.{host,subset}",
      "http[].mirrorPercentage.value",
    ],
    "mirrors to one or several, unless the share is 0",
    async () => {
      const copies = (path: string) =>
        applications[1]?.requests.filter(({ url }) => url === path).length;
      expect(await versionOf("/mirror")).toBe("v1");
      expect(await versionOf("/mirrors")).toBe("v1");
      expect(await versionOf("/mirror-none")).toBe("v1");
      await expect.poll(() => [copies("/mirror"), copies("/mirrors")]).toEqual([1, 2]);
      expect(copies("/mirror-none")).toBe(0);
    },
  );

  proves("VirtualService", ["http[].fault.delay.fixedDelay"], "delays on purpose", async () => {
    const start = performance.now();
    expect((await get("/delayed")).status).toBe(200);
    expect(performance.now() - start).toBeGreaterThanOrEqual(299);
  });

  proves(
    "VirtualService",
    ["http[].fault.abort.httpStatus", "http[].fault.abort.percentage.value"],
    "aborts on purpose, as often as told, and never without a percentage",
    async () => {
      expect((await get("/aborted")).status).toBe(418);
      expect((await get("/aborted-none")).status).toBe(200);
      const half = await Promise.all(Array.from({ length: 200 }, () => get("/aborted-half")));
      const aborted = half.filter(({ status }) => status === 418).length;
      expect(aborted).toBeGreaterThan(60);
      expect(aborted).toBeLessThan(140);
    },
  );

  proves(
    "VirtualService",
    ["http[].fault.abort.grpcStatus"],
    "aborts gRPC with a gRPC status",
    async () => {
      const answer = await get("/aborted-grpc", {
        headers: { "content-type": "application/grpc" },
      });
      expect([answer.status, answer.headers["grpc-status"]]).toEqual([200, "14"]);
    },
  );

  proves(
    "VirtualService",
    ["http[].timeout"],
    "gives up after the time-out, and only where there is one",
    async () => {
      expect((await get("/slow/1500")).status).toBe(504);
      expect((await get("/slow/10")).status).toBe(200);
    },
  );

  proves(
    "VirtualService",
    ["http[].retries.{attempts,retryOn}"],
    "retries on what the rule says, and not at all where attempts are 0",
    async () => {
      expect((await get("/flaky/retried")).status).toBe(200);
      expect((await get("/flaky/off")).status).toBe(503);
    },
  );

  test("does not retry an application's own 503 by default", async () => {
    expect((await get("/flaky/default")).status).toBe(503);
  });

  proves(
    "VirtualService",
    [
      "http[].corsPolicy.allowOrigins[].exact",
      "http[].corsPolicy.{allowMethods,allowHeaders,exposeHeaders,maxAge,allowCredentials}",
    ],
    "answers preflights and marks answers for the origins of a CORS policy",
    async () => {
      const preflight = await get("/cors", {
        method: "OPTIONS",
        headers: { origin: "https://shop.example", "access-control-request-method": "PUT" },
      });
      expect(preflight.status).toBe(200);
      expect(preflight.headers).toMatchObject({
        "access-control-allow-origin": "https://shop.example",
        "access-control-allow-methods": "GET,PUT",
        "access-control-allow-headers": "x-a,x-b",
        "access-control-max-age": "600",
        "access-control-allow-credentials": "true",
      });
      const actual = await get("/cors", { headers: { origin: "https://shop.example" } });
      expect(actual.headers["access-control-expose-headers"]).toBe("x-c");
      const stranger = await get("/cors", { headers: { origin: "https://evil.example" } });
      expect(stranger.headers["access-control-allow-origin"]).toBeUndefined();
    },
  );

  proves(
    "VirtualService",
    [
      "http[].headers.request.{set,add,remove}",
      "http[].headers.response.{add,remove}",
      "http[].route[].headers.request.{set,add}",
    ],
    "sets, adds and removes headers, the destination after the rule",
    async () => {
      const answer = await get("/operations", {
        headers: { "x-add": "client", "x-gone": "1", "x-set": "client" },
      });
      const { headers } = answer.echo();
      expect(headers["x-set"]).toBe("destination");
      expect(headers["x-add"]).toBe("client, rule, destination");
      expect(headers["x-gone"]).toBeUndefined();
      expect(answer.headers["x-answer"]).toBe("rule");
      expect(answer.headers["x-application"]).toBeUndefined();
    },
  );

  test("takes a Host operation for the authority", async () => {
    expect((await get("/host-header")).echo().headers["host"]).toBe("changed.example");
  });

  proves(
    "DestinationRule",
    ["trafficPolicy.loadBalancer.consistentHash.httpHeaderName"],
    "keeps requests with one hash on one endpoint",
    async () => {
      const users = Array.from({ length: 20 }, (_, index) => `user-${index}`);
      const chosen = new Set<string>();
      for (const user of users) {
        const asking = { headers: { "x-user": user } };
        const names = await Promise.all(
          Array.from({ length: 5 }, () => versionOf("/", asking, `hashed:${PORT}`)),
        );
        expect(new Set(names).size).toBe(1);
        chosen.add(names[0] ?? "");
      }
      expect(chosen).toEqual(new Set(["v1", "v2"]));
    },
  );

  test("answers 503 for a service that is not there", async () => {
    expect((await get("/nowhere")).status).toBe(503);
  });

  test("leaves requests alone where no route of a rule concerns the client", async () => {
    expect((await get("/any", {}, `aside:${PORT}`)).status).toBe(200);
  });

  test("answers 404 where rules are and none matches", async () => {
    expect((await get("/only", {}, `ruled:${PORT}`)).status).toBe(200);
    expect((await get("/other", {}, `ruled:${PORT}`)).status).toBe(404);
  });

  test.each([
    "plain",
    "plain:80",
    "plain.default",
    "plain.default.svc",
    "plain.default.svc.cluster.local:80",
  ])("knows a service on port 80 as %s", async (authority) => {
    expect(await versionOf("/", {}, authority)).toBe("v2");
  });

  test("answers 502 for a host that the mesh does not know", async () => {
    expect((await get("/", {}, "nobody.example")).status).toBe(502);
  });

  test("lets no peer header through to the application", async () => {
    const { headers } = (
      await get("/", { headers: { "x-heddle-peer-metadata": "forged" } })
    ).echo();
    expect(Object.keys(headers).filter((name) => name.includes("peer"))).toEqual([]);
  });
});
