/** HTTPRoutes whose requests a server of the user's must let in, by HTTP and by Envoy's own protocol, through a real Envoy. */
import type { GatewayApi } from "@heddle/model";
import { afterAll, beforeAll, describe, expect } from "vitest";
import {
  type Asked,
  type Authorizer,
  type Reply,
  startGrpcAuthorizer,
  startHttpAuthorizer,
} from "../../harness/authorizers.ts";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { gatewayApi, service } from "../../harness/objects.ts";
import { ask, type Asking } from "../../harness/request.ts";
import { proves } from "../proves.ts";

const EDGE = "127.142.0.1";
const ONE = "127.142.0.2";
const CLIENT = "127.142.0.3";
const AUTH = "127.142.0.4";
const FAR = "127.142.0.5";
const PORT = 9080;
const GRPC = 9001;

type ExternalAuth = GatewayApi.HTTPExternalAuthFilter;

const auth = (rest: Partial<GatewayApi.BackendObjectReference> = {}) => ({
  name: "auth",
  port: PORT,
  ...rest,
});
const byHttp = (
  http: NonNullable<ExternalAuth["http"]> = {},
  rest: Partial<ExternalAuth> = {},
): ExternalAuth => ({ protocol: "HTTP", backendRef: auth(), http, ...rest });
const byGrpc = (
  grpc: NonNullable<ExternalAuth["grpc"]> = {},
  rest: Partial<ExternalAuth> = {},
): ExternalAuth => ({ protocol: "GRPC", backendRef: auth({ port: GRPC }), grpc, ...rest });

/** By the first segment of the path. */
const ASKED: Readonly<Record<string, ExternalAuth>> = {
  http: byHttp(),
  prefixed: byHttp({ path: "/check/" }),
  headers: byHttp({ allowedHeaders: ["X-User"] }),
  answers: byHttp({ allowedResponseHeaders: ["X-Granted"] }),
  body: byHttp({}, { forwardBody: { maxSize: 10 } }),
  grpc: byGrpc(),
  few: byGrpc({ allowedHeaders: ["x-user"] }),
  "grpc-body": byGrpc({}, { forwardBody: { maxSize: 10 } }),
  hostname: byHttp(
    {},
    {
      backendRef: {
        group: "networking.istio.io",
        kind: "Hostname",
        ...auth({ name: "auth.default.svc.cluster.local" }),
      },
    },
  ),
  bucket: byHttp({}, { backendRef: { group: "example.com", kind: "Bucket", ...auth() } }),
  far: byHttp({}, { backendRef: auth({ namespace: "other" }) }),
  shut: byHttp({}, { backendRef: auth({ name: "shut", namespace: "other" }) }),
  gone: byHttp({}, { backendRef: auth({ name: "gone" }) }),
  dead: byHttp({}, { backendRef: auth({ name: "dead" }) }),
};

const rules = (backend: string): GatewayApi.HTTPRouteRule[] => [
  ...Object.entries(ASKED).map(([name, externalAuth]) => ({
    matches: [{ path: { value: `/${name}` } }],
    filters: [{ type: "ExternalAuth" as const, externalAuth }],
    backendRefs: [{ name: backend, port: PORT }],
  })),
  {
    matches: [{ path: { value: "/moved" } }],
    filters: [
      { type: "ExternalAuth", externalAuth: byHttp() },
      { type: "RequestRedirect", requestRedirect: { hostname: "new.test" } },
    ],
  },
];
const route = (name: string, spec: GatewayApi.HTTPRoute) =>
  gatewayApi<GatewayApi.HTTPRoute>("HTTPRoute", name, spec);

const OBJECTS = [
  ...service("one", [{ name: "http", port: PORT }], [ONE]),
  ...service(
    "auth",
    [
      { name: "http", port: PORT },
      { name: "grpc", port: GRPC },
    ],
    [AUTH],
  ),
  ...service("auth", [{ name: "http", port: PORT }], [FAR], { namespace: "other" }),
  ...service("shut", [{ name: "http", port: PORT }], [FAR], { namespace: "other" }),
  ...service("dead", [{ name: "http", port: PORT }], ["127.142.0.9"]),
  gatewayApi<GatewayApi.ReferenceGrant>(
    "ReferenceGrant",
    "auth",
    {
      from: [{ group: "gateway.networking.k8s.io", kind: "HTTPRoute", namespace: "default" }],
      to: [{ group: "", kind: "Service", name: "auth" }],
    },
    "other",
  ),
  gatewayApi<GatewayApi.Gateway>("Gateway", "edge", {
    gatewayClassName: "heddle",
    listeners: [{ name: "http", port: 8080, protocol: "HTTP" }],
  }),
  route("edge", {
    parentRefs: [{ name: "edge" }],
    hostnames: ["shop.test"],
    rules: rules("one"),
  }),
  route("plain", {
    parentRefs: [{ name: "edge" }],
    hostnames: ["plain.test"],
    rules: [{ backendRefs: [{ name: "one", port: PORT }] }],
  }),
  route("mesh", {
    parentRefs: [{ group: "", kind: "Service", name: "one", port: PORT }],
    rules: rules("one"),
  }),
];

describe.skipIf(!envoyBinary)("external authorization of an HTTPRoute", () => {
  const mesh = startedMesh({
    workloads: {
      edge: {
        address: EDGE,
        type: "router",
        labels: { "gateway.networking.k8s.io/gateway-name": "edge" },
      },
      client: { address: CLIENT },
      one: { address: ONE, ports: [PORT], sidecar: false },
    },
    objects: OBJECTS,
  });
  const questions: Asked[] = [];
  const servers: Authorizer[] = [];
  beforeAll(async () => {
    servers.push(
      await startHttpAuthorizer("auth", AUTH, PORT, byHeader),
      await startHttpAuthorizer("far", FAR, PORT, byHeader),
      await startGrpcAuthorizer("grpc", AUTH, GRPC, byHeader),
    );
  });
  afterAll(() => Promise.all(servers.map((server) => server.stop())));

  function byHeader(question: Asked): Reply {
    questions.push(question);
    const { authorization } = question.headers;
    // A server that is shown some headers only does not see whether the request is one to refuse.
    const refused = question.name === "grpc" ? authorization === "no" : authorization !== "yes";
    if (refused) return { allowed: false, status: 401, headers: { "www-authenticate": "Magic" } };
    const granted = { "x-granted": "all", "x-more": "too", host: "evil.test" };
    return { allowed: true, ...(question.name === "grpc" ? {} : { headers: granted }) };
  }

  const yes = { authorization: "yes", "x-user": "ann", "x-other": "more" };
  const get = (path: string, asking: Asking = { headers: yes }) =>
    ask(EDGE, 8080, "shop.test", path, asking);
  const asked = async (path: string, asking?: Asking) => {
    questions.length = 0;
    const answer = await get(path, asking);
    return { answer, question: questions[0], status: answer.status };
  };

  const filter = "rules[].filters[].externalAuth";
  proves(
    "HTTPRoute",
    ["rules[].filters[].type=ExternalAuth", `${filter}.protocol={HTTP,GRPC}`],
    "passes on what the server lets in, and answers the rest as the server does; nothing goes on while the server is away",
    async () => {
      for (const [name, server] of [
        ["http", "auth"],
        ["grpc", "grpc"],
      ] as const) {
        const let_in = await asked(`/${name}/a?q=1`);
        expect(let_in.status).toBe(200);
        expect(let_in.answer.echo().name).toBe("one");
        expect(let_in.question).toMatchObject({
          name: server,
          method: "GET",
          url: `/${name}/a?q=1`,
        });
        const refused = await asked(`/${name}/a`, { headers: { authorization: "no" } });
        expect(refused.status).toBe(401);
        expect(refused.answer.headers["www-authenticate"]).toBe("Magic");
      }
      expect((await asked("/dead")).status).toBe(403);
      const plain = await ask(EDGE, 8080, "plain.test", "/http");
      expect(plain.status).toBe(200);
      expect((await asked("/moved", { headers: { authorization: "no" } })).status).toBe(401);
      expect((await asked("/moved")).status).toBe(302);
    },
  );

  proves(
    "HTTPRoute",
    [`${filter}.backendRef.{group,kind,namespace,name,port}`],
    "asks the server that it names, and lets nobody in where that is not there or not granted",
    async () => {
      expect(await asked("/hostname")).toMatchObject({ status: 200, question: { name: "auth" } });
      expect(await asked("/far")).toMatchObject({ status: 200, question: { name: "far" } });
      for (const path of ["/bucket", "/shut", "/gone"]) {
        expect(await asked(path)).toMatchObject({ status: 500, question: undefined });
      }
    },
  );

  proves(
    "HTTPRoute",
    [`${filter}.http.path`, `${filter}.http.allowedHeaders`, `${filter}.grpc.allowedHeaders`],
    "tells the server of the request what it is told to: its path behind a prefix, some of its headers or all",
    async () => {
      expect((await asked("/prefixed/a?q=1")).question?.url).toBe("/check/prefixed/a?q=1");
      const few = (await asked("/http")).question?.headers;
      expect(few).toMatchObject({ host: "shop.test", authorization: "yes" });
      expect(few).not.toHaveProperty("x-user");
      const some = (await asked("/headers")).question?.headers;
      expect(some).toMatchObject({ authorization: "yes", "x-user": "ann" });
      expect(some).not.toHaveProperty("x-other");
      expect((await asked("/grpc")).question?.headers).toMatchObject(yes);
      const named = (await asked("/few")).question?.headers;
      expect(named).toMatchObject({ "x-user": "ann" });
      expect(named).not.toHaveProperty("x-other");
    },
  );

  proves(
    "HTTPRoute",
    [`${filter}.http.allowedResponseHeaders`],
    "sends the request on with headers of the server's answer: those that it names, or all but the host",
    async () => {
      const all = (await asked("/http")).answer.echo().headers;
      expect(all).toMatchObject({ "x-granted": "all", "x-more": "too", host: "shop.test" });
      const some = (await asked("/answers")).answer.echo().headers;
      expect(some).toMatchObject({ "x-granted": "all" });
      expect(some).not.toHaveProperty("x-more");
    },
  );

  proves(
    "HTTPRoute",
    [`${filter}.forwardBody.maxSize`],
    "shows the server bodies up to a size, and refuses requests with longer ones",
    async () => {
      const post = (path: string, body: string) =>
        asked(path, { method: "POST", headers: { ...yes, "content-length": body.length }, body });
      expect((await post("/http", "a letter")).question?.body).toBe("");
      for (const path of ["/body", "/grpc-body"]) {
        expect(await post(path, "a letter")).toMatchObject({
          status: 200,
          question: { body: "a letter" },
        });
        expect(await post(path, "a long letter")).toMatchObject({
          status: 413,
          question: undefined,
        });
      }
    },
  );

  proves(
    "HTTPRoute",
    ["rules[].filters[].type=ExternalAuth"],
    "asks for requests between workloads as well",
    async () => {
      const status = async (authorization: string) =>
        (await mesh.get("client", `one:${PORT}`, "/http", { headers: { authorization } })).status;
      expect(await status("yes")).toBe(200);
      expect(await status("no")).toBe(401);
    },
  );
});
