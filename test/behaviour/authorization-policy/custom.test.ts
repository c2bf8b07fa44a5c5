/** AuthorizationPolicies of action CUSTOM: servers of both protocols that are asked, and what becomes of what they cannot be asked of. */
import { connect, createServer, type Server } from "node:net";
import type { ExtensionProvider } from "@heddle/model";
import { ACCESS_LOG_ATTRIBUTES as ATTRIBUTE } from "@heddle/translate";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { listening } from "../../harness/application.ts";
import {
  type Asked,
  type Authorizer,
  type Reply,
  startGrpcAuthorizer,
  startHttpAuthorizer,
} from "../../harness/authorizers.ts";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import {
  authorizationPolicy,
  gateway,
  meshSettings,
  service,
  virtualService,
} from "../../harness/objects.ts";
import { logEntryOf } from "../../harness/otlp-collector.ts";
import { ask, type Asking } from "../../harness/request.ts";
import { proves } from "../proves.ts";

const ADDRESS = {
  http: "127.224.0.1",
  grpc: "127.224.0.2",
  "http-open": "127.224.0.3",
  "grpc-open": "127.224.0.4",
  nobody: "127.224.0.5",
  several: "127.224.0.6",
  edge: "127.224.0.8",
  "grpc-edge": "127.224.0.9",
} as const;
type Name = keyof typeof ADDRESS;
const AUTH = "127.224.0.21";
const PORT = 9080;
const GRPC = 9001;
const TCP = 9090;
const NEAR = "127.224.8.1";
const AWAY = "127.224.9.1";

const byHttp = { service: "default/auth.default.svc.cluster.local", port: PORT, timeout: "400ms" };
const byGrpc = { service: "auth.default.svc.cluster.local", port: GRPC, timeout: "400ms" };

const PROVIDERS: readonly ExtensionProvider[] = [
  {
    name: "http",
    envoyExtAuthzHttp: {
      ...byHttp,
      statusOnError: "503",
      pathPrefix: "/check",
      includeRequestHeadersInCheck: ["x-user", "x-team-*"],
      includeAdditionalHeadersInCheck: { "x-mesh": "shop" },
      includeRequestBodyInCheck: { maxRequestBytes: 8, allowPartialMessage: true },
      headersToUpstreamOnAllow: ["x-granted"],
      headersToDownstreamOnAllow: ["x-wel*"],
      headersToDownstreamOnDeny: ["x-why"],
    },
  },
  {
    name: "grpc",
    envoyExtAuthzGrpc: {
      ...byGrpc,
      statusOnError: "503",
      includeRequestBodyInCheck: { maxRequestBytes: 8, packAsBytes: true },
    },
  },
  {
    name: "http-open",
    envoyExtAuthzHttp: { ...byHttp, failOpen: true, includeHeadersInCheck: ["*-user"] },
  },
  {
    name: "grpc-open",
    envoyExtAuthzGrpc: {
      ...byGrpc,
      failOpen: true,
      includeRequestBodyInCheck: { maxRequestBytes: 8, allowPartialMessage: true },
    },
  },
  {
    name: "http-edge",
    envoyExtAuthzHttp: { ...byHttp, clearRouteCache: true, headersToUpstreamOnAllow: ["x-tier"] },
  },
  { name: "grpc-edge", envoyExtAuthzGrpc: { ...byGrpc, clearRouteCache: true } },
];

/** What a workload asks its provider of: everything but `/free`, and connections, which have no path. */
const asks = (workload: string, provider: string, name = provider) =>
  authorizationPolicy(name, {
    selector: { matchLabels: { app: workload } },
    action: "CUSTOM",
    provider: { name: provider },
    rules: [{ to: [{ operation: { notPaths: ["/free*"] } }] }],
  });

describe.skipIf(!envoyBinary)("an AuthorizationPolicy of action CUSTOM", () => {
  const questions: Asked[] = [];
  const authorizers: Authorizer[] = [];
  let application: Server | undefined;

  function decide(question: Asked): Reply {
    questions.push(question);
    if (question.url === "") return { allowed: question.source !== AWAY };
    const delayMs = question.url.includes("/late") ? 1500 : 0;
    if (question.headers["authorization"] === "no") {
      return { allowed: false, status: 401, headers: { "x-why": "because", "x-other": "secret" } };
    }
    const headers = { "x-granted": "all", "x-welcome": "in", "x-other": "more", "x-tier": "gold" };
    return { allowed: true, headers, delayMs };
  }

  beforeAll(async () => {
    authorizers.push(
      await startHttpAuthorizer("http", AUTH, PORT, decide),
      await startGrpcAuthorizer("grpc", AUTH, GRPC, decide),
    );
    application = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.pipe(socket);
    });
    await listening(application, "127.224.1.2", TCP);
  });
  afterAll(async () => {
    await Promise.all(authorizers.map((each) => each.stop()));
    application?.close();
  });

  const backends = { gold: "127.224.0.31", plain: "127.224.0.32" };
  const workload = (name: Name) => ({ address: ADDRESS[name], ports: [PORT] });
  const edge = (name: "edge" | "grpc-edge") => ({
    address: ADDRESS[name],
    type: "router" as const,
    labels: { app: name, istio: "edge" },
  });
  const mesh = startedMesh({
    collector: "127.224.2.1",
    workloads: {
      http: workload("http"),
      grpc: workload("grpc"),
      "http-open": workload("http-open"),
      "grpc-open": workload("grpc-open"),
      nobody: workload("nobody"),
      several: workload("several"),
      edge: edge("edge"),
      "grpc-edge": edge("grpc-edge"),
      gold: { address: backends.gold, ports: [PORT], sidecar: false },
      plain: { address: backends.plain, ports: [PORT], sidecar: false },
    },
    objects: [
      meshSettings({ extensionProviders: PROVIDERS }),
      ...service(
        "auth",
        [
          { name: "http", port: PORT },
          { name: "grpc", port: GRPC },
        ],
        [AUTH],
      ),
      ...(["http", "http-open", "grpc-open", "nobody", "several"] as const).flatMap((name) =>
        service(name, [{ name: "http", port: PORT }], [ADDRESS[name]]),
      ),
      ...service(
        "grpc",
        [
          { name: "http", port: PORT },
          { name: "tcp", port: TCP },
        ],
        [ADDRESS.grpc],
      ),
      ...Object.entries(backends).flatMap(([name, address]) =>
        service(name, [{ name: "http", port: PORT }], [address]),
      ),
      gateway("edge", {
        selector: { istio: "edge" },
        servers: [{ port: { number: 8080, name: "http", protocol: "HTTP" }, hosts: ["*"] }],
      }),
      virtualService("edge", {
        hosts: ["*"],
        gateways: ["edge"],
        http: [
          {
            match: [{ headers: { "x-tier": { exact: "gold" } } }],
            route: [{ destination: { host: "gold" } }],
          },
          { route: [{ destination: { host: "plain" } }] },
        ],
      }),
      asks("http", "http"),
      asks("grpc", "grpc"),
      asks("http-open", "http-open"),
      asks("grpc-open", "grpc-open"),
      asks("edge", "http-edge"),
      asks("grpc-edge", "grpc-edge"),
      asks("nobody", "unknown"),
      asks("several", "http", "first"),
      asks("several", "grpc", "second"),
    ],
  });

  const call = (name: Name, path: string, asking: Asking = {}, port = PORT) => {
    questions.length = 0;
    return ask(ADDRESS[name], port, "shop.test", path, asking);
  };
  const no = { headers: { authorization: "no" } };
  const post = (body: string) => ({
    method: "POST",
    headers: { "content-length": String(body.length) },
    body,
  });
  const logged = async (path: string) => {
    const found = () =>
      mesh.collector().logs.filter(({ attributes }) => attributes[ATTRIBUTE.path] === path);
    await expect.poll(() => found().length, { timeout: 10_000 }).toBe(1);
    return logEntryOf(found()[0]!).attributes;
  };

  const provider = "extensionProviders[]";
  const both = (...fields: string[]) =>
    fields.map((field) => `${provider}.{envoyExtAuthzHttp,envoyExtAuthzGrpc}.${field}`);

  proves(
    {
      AuthorizationPolicy: ["action=CUSTOM", "provider.name"],
      MeshSettings: [`${provider}.name`, ...both("service", "port")],
    },
    "asks the server of its provider for what its rules match, lets in what it lets in, and answers the rest as it does",
    async () => {
      for (const name of ["http", "grpc"] as const) {
        const let_in = await call(name, "/a?q=1");
        expect(let_in.status).toBe(200);
        expect(let_in.echo().url).toBe("/a?q=1");
        expect(questions).toMatchObject([{ name, method: "GET" }]);
        expect((await call(name, "/a", no)).status).toBe(401);
        expect((await call(name, "/free", no)).status).toBe(200);
        expect(questions).toEqual([]);
      }
    },
  );

  const http = `${provider}.envoyExtAuthzHttp`;
  proves(
    "MeshSettings",
    [
      `${http}.{pathPrefix,includeRequestHeadersInCheck,includeHeadersInCheck,includeAdditionalHeadersInCheck}`,
    ],
    "tells a server by HTTP of the path behind its prefix, of the headers that it names, and what it is told besides",
    async () => {
      const headers = { "x-user": "ann", "x-team-a": "yes", "x-kind": "other" };
      await call("http", "/a?q=1", { headers });
      expect(questions[0]).toMatchObject({ url: "/check/a?q=1" });
      expect(questions[0]!.headers).toMatchObject({
        ...{ "x-user": "ann", "x-team-a": "yes", "x-mesh": "shop", host: "shop.test" },
      });
      expect(questions[0]!.headers).not.toHaveProperty("x-kind");
      await call("http-open", "/a?q=1", { headers });
      expect(questions[0]).toMatchObject({ url: "/a?q=1", headers: { "x-user": "ann" } });
      expect(questions[0]!.headers).not.toHaveProperty("x-team-a");
    },
  );

  proves(
    "MeshSettings",
    [`${http}.{headersToUpstreamOnAllow,headersToDownstreamOnAllow,headersToDownstreamOnDeny}`],
    "hands on headers of a server's answer by HTTP: to the workload and to the caller, of a yes and of a no, those that it names",
    async () => {
      const yes = await call("http", "/a");
      expect(yes.echo().headers).toMatchObject({ "x-granted": "all" });
      expect(yes.echo().headers).not.toHaveProperty("x-other");
      expect(yes.headers).toMatchObject({ "x-welcome": "in" });
      expect(yes.headers).not.toHaveProperty("x-other");
      const denied = await call("http", "/a", no);
      expect(denied.headers).toMatchObject({ "x-why": "because" });
      expect(denied.headers).not.toHaveProperty("x-other");
      const elsewhere = await call("http-open", "/a", no);
      expect(elsewhere.headers).toMatchObject({ "x-why": "because", "x-other": "secret" });
    },
  );

  const body = "includeRequestBodyInCheck";
  proves(
    "MeshSettings",
    [
      ...both(`${body}.maxRequestBytes`, `${body}.allowPartialMessage`),
      `${provider}.envoyExtAuthzGrpc.${body}.packAsBytes`,
    ],
    "shows a server bodies up to a size, a part of longer ones where that is enough, as text or as bytes",
    async () => {
      expect((await call("http", "/a", post("0123456789"))).status).toBe(200);
      expect(questions[0]!.body).toBe("01234567");
      expect((await call("http-open", "/a", post("0123"))).status).toBe(200);
      expect(questions[0]!.body).toBe("");
      expect((await call("grpc", "/a", post("0123"))).status).toBe(200);
      expect(questions[0]).toMatchObject({ body: "0123", packed: true });
      expect((await call("grpc", "/a", post("0123456789"))).status).toBe(413);
      expect((await call("grpc-open", "/a", post("0123456789"))).status).toBe(200);
      expect(questions[0]).toMatchObject({ body: "01234567", packed: false });
    },
  );

  proves(
    "MeshSettings",
    both("timeout", "failOpen", "statusOnError"),
    "waits so long for a server, and then refuses, with the status that it is told, or lets in",
    async () => {
      for (const name of ["http", "grpc"] as const) {
        const begin = performance.now();
        expect((await call(name, "/late")).status).toBe(503);
        expect(performance.now() - begin).toBeLessThan(1400);
        expect((await call(`${name}-open`, "/late")).status).toBe(200);
        expect((await call(`${name}-open`, "/a", no)).status).toBe(401);
      }
    },
  );

  proves(
    "MeshSettings",
    both("clearRouteCache"),
    "routes by headers that the server has given the request",
    async () => {
      for (const name of ["edge", "grpc-edge"] as const) {
        expect((await call(name, "/a", {}, 8080)).echo().name).toBe("gold");
        expect((await call(name, "/free", {}, 8080)).echo().name).toBe("plain");
      }
    },
  );

  proves(
    "AuthorizationPolicy",
    ["action=CUSTOM"],
    "asks for connections too, where the server speaks Envoy's protocol",
    async () => {
      const connects = (localAddress: string) =>
        new Promise<boolean>((resolve) => {
          const socket = connect({ host: ADDRESS.grpc, port: TCP, localAddress });
          socket.once("connect", () => void socket.write("hello"));
          socket.once("data", () => (resolve(true), socket.destroy()));
          socket.once("close", () => resolve(false));
          socket.once("error", () => resolve(false));
        });
      expect([await connects(NEAR), await connects(AWAY)]).toEqual([true, false]);
      const refused = () =>
        mesh
          .collector()
          .logs.filter(({ attributes }) =>
            attributes[ATTRIBUTE.downstreamRemoteAddress]?.startsWith(AWAY),
          );
      await expect.poll(() => refused().length, { timeout: 10_000 }).toBe(1);
      expect(logEntryOf(refused()[0]!).attributes).toMatchObject({
        "heddle.authorization.decision": "refused by the server asked",
        "heddle.authorization.policy": "default/grpc",
      });
    },
  );

  proves(
    "AuthorizationPolicy",
    ["provider.name"],
    "refuses what it is for where its provider is not there, or where others name another",
    async () => {
      for (const name of ["nobody", "several"] as const) {
        expect((await call(name, "/a")).status).toBe(403);
        expect((await call(name, "/free")).status).toBe(200);
        expect(questions).toEqual([]);
      }
    },
  );

  proves(
    "AuthorizationPolicy",
    ["action=CUSTOM", "provider.name"],
    "is named in the log of what its server refused, could not be asked of, or is not there for",
    async () => {
      await call("http", "/refused-for-log", no);
      await call("grpc", "/late-for-log");
      await call("several", "/unasked-for-log");
      await call("grpc", "/let-in-for-log");
      const decided = async (path: string) => {
        const attributes = await logged(path);
        return ["decision", "policy", "rule"].map(
          (each) => attributes[`heddle.authorization.${each}`],
        );
      };
      expect(await decided("/refused-for-log")).toEqual([
        "refused by the server asked",
        "default/http",
        0,
      ]);
      expect(await decided("/late-for-log")).toEqual([
        "server could not be asked",
        "default/grpc",
        0,
      ]);
      expect(await decided("/unasked-for-log")).toEqual(["no server to ask", "default/second", 0]);
      expect(await decided("/let-in-for-log")).toEqual([undefined, undefined, undefined]);
    },
  );
});
