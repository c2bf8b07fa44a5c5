/** Every method that an HTTPRoute can match or allow, names of its rules, whom it sends copies to, and short sessions. */
import { createServer, request as send, type Server } from "node:http";
import type { GatewayApi } from "@heddle/model";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { closed, listening } from "../../harness/application.ts";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { gatewayApi, rateLimit, service } from "../../harness/objects.ts";
import { ask, type Asking } from "../../harness/request.ts";
import { proves } from "../proves.ts";

const EDGE = "127.143.0.1";
const SERVERS = { one: "127.143.0.2", two: "127.143.0.3", far: "127.143.0.4" } as const;
/** Takes CONNECT, which the tests' applications do not. */
const TUNNEL = "127.143.0.5";
const PORT = 9080;

const METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"] as const;
const ALL_METHODS = [...METHODS, "CONNECT"] as const;

type Rule = GatewayApi.HTTPRouteRule;
const to = (name: string, rest: Partial<GatewayApi.HTTPBackendRef> = {}) => ({
  name,
  port: PORT,
  ...rest,
});
const at = (value: string, rest: Partial<Rule>): Rule => ({
  matches: [{ path: { value } }],
  backendRefs: [to("one")],
  ...rest,
});
const mirrored = (value: string, backendRef: GatewayApi.BackendObjectReference): Rule =>
  at(value, { filters: [{ type: "RequestMirror", requestMirror: { backendRef } }] });
const cors = (value: string, allowMethods: readonly string[], allowCredentials = false): Rule =>
  at(value, {
    filters: [
      { type: "CORS", cors: { allowOrigins: ["https://a.test"], allowMethods, allowCredentials } },
    ],
  });
const route = (name: string, hostname: string, rules: readonly Rule[]) =>
  gatewayApi<GatewayApi.HTTPRoute>("HTTPRoute", name, {
    parentRefs: [{ name: "edge" }],
    hostnames: [hostname],
    rules,
  });

const OBJECTS = [
  ...service("one", [{ name: "http", port: PORT }], [SERVERS.one]),
  ...service("two", [{ name: "http", port: PORT }], [SERVERS.two]),
  ...service("both", [{ name: "http", port: PORT }], [SERVERS.one, SERVERS.two]),
  ...service("tunnel", [{ name: "http", port: PORT }], [TUNNEL]),
  ...service("far", [{ name: "http", port: PORT }], [SERVERS.far], { namespace: "other" }),
  ...service("shut", [{ name: "http", port: PORT }], [SERVERS.far], { namespace: "other" }),
  // Of the same name in the route's own namespace, so that it is the namespace that decides.
  ...service("far", [{ name: "http", port: PORT }], [SERVERS.two]),
  gatewayApi<GatewayApi.ReferenceGrant>(
    "ReferenceGrant",
    "far",
    {
      from: [{ group: "gateway.networking.k8s.io", kind: "HTTPRoute", namespace: "default" }],
      to: [{ group: "", kind: "Service", name: "far" }],
    },
    "other",
  ),
  gatewayApi<GatewayApi.Gateway>("Gateway", "edge", {
    gatewayClassName: "heddle",
    listeners: [{ name: "http", port: 8080, protocol: "HTTP" }],
  }),
  // Each method has a host of its own, where everything else goes to `two`.
  ...METHODS.map((method) =>
    route(method.toLowerCase(), `${method.toLowerCase()}.test`, [
      { matches: [{ method }], backendRefs: [to("one")] },
      { backendRefs: [to("two")] },
    ]),
  ),
  route("connect", "connect.test", [
    { matches: [{ method: "CONNECT" }], backendRefs: [to("tunnel")] },
    { backendRefs: [to("two")] },
  ]),
  route("unconnected", "unconnected.test", [{ backendRefs: [to("tunnel")] }]),
  route("cors", "cors.test", [
    ...ALL_METHODS.map((method) => cors(`/${method}`, [method])),
    cors("/any", ["*"]),
    cors("/credentials", ["*"], true),
  ]),
  route("mirrors", "mirror.test", [
    mirrored("/service", { group: "", kind: "Service", ...to("two") }),
    mirrored("/hostname", {
      group: "networking.istio.io",
      kind: "Hostname",
      ...to("two.default.svc.cluster.local"),
    }),
    mirrored("/bucket", { group: "example.com", kind: "Bucket", ...to("two") }),
    mirrored("/far", to("far", { namespace: "other" })),
    mirrored("/shut", to("shut", { namespace: "other" })),
  ]),
  route("names", "name.test", [at("/few", { name: "few" }), at("/many", { name: "many" })]),
  rateLimit("few", {
    selector: { matchLabels: { "gateway.networking.k8s.io/gateway-name": "edge" } },
    limits: [{ requests: 2, per: "600s", match: { route: "few" } }],
  }),
  route("sessions", "session.test", [
    at("/session", {
      backendRefs: [to("both")],
      sessionPersistence: { cookie: { name: "now", lifetimeType: "Session" } },
    }),
    at("/permanent", {
      backendRefs: [to("both")],
      sessionPersistence: {
        cookie: { name: "long", lifetimeType: "Permanent" },
        absoluteTimeout: "1h",
      },
    }),
    at("/none", { backendRefs: [to("both")] }),
  ]),
];

describe.skipIf(!envoyBinary)("values of an HTTPRoute", () => {
  const mesh = startedMesh({
    workloads: {
      edge: {
        address: EDGE,
        type: "router",
        labels: { "gateway.networking.k8s.io/gateway-name": "edge" },
      },
      one: { address: SERVERS.one, ports: [PORT], sidecar: false },
      two: { address: SERVERS.two, ports: [PORT], sidecar: false },
      far: { address: SERVERS.far, ports: [PORT], sidecar: false, namespace: "other" },
    },
    objects: OBJECTS,
  });
  let tunnel: Server;
  beforeAll(async () => {
    tunnel = createServer().on("connect", (request, socket) => {
      socket.on("error", () => undefined);
      socket.end(`HTTP/1.1 200 OK\r\n\r\nhello ${request.url ?? ""}`);
    });
    await listening(tunnel, TUNNEL, PORT);
  });
  afterAll(() => closed(tunnel));

  const get = (host: string, path: string, asking?: Asking) => ask(EDGE, 8080, host, path, asking);
  /** A HEAD request's answer has no body. */
  const by = async (host: string, method: string) =>
    (await get(host, "/any", { method })).headers["x-application"];
  const arrived = (name: "two" | "far", path: string) =>
    mesh.applications(name)[0]!.requests.filter(({ url }) => url === path).length;

  proves(
    "HTTPRoute",
    [`rules[].matches[].method={${METHODS.join(",")}}`],
    "matches each method, and no other by it",
    async () => {
      for (const method of METHODS) {
        for (const asked of METHODS) {
          const expected = asked === method ? "one" : "two";
          expect(await by(`${method.toLowerCase()}.test`, asked), asked).toBe(expected);
        }
      }
    },
  );

  proves(
    "HTTPRoute",
    ["rules[].matches[].method=CONNECT"],
    "passes CONNECT on to the backend of the rule that asks for it, and to no other",
    async () => {
      expect(await connected("connect.test:8080")).toBe("200 hello connect.test:8080");
      expect(await by("connect.test", "GET")).toBe("two");
      expect(await connected("unconnected.test:8080")).toMatch(/^404/);
    },
  );

  proves(
    "HTTPRoute",
    [
      `rules[].filters[].cors.allowMethods={${ALL_METHODS.join(",")}}`,
      "rules[].filters[].cors.allowMethods=*",
    ],
    "allows pages of other origins each method that it names, and all of them to those with credentials",
    async () => {
      const allowed = async (path: string, method = "PUT") => {
        const headers = { origin: "https://a.test", "access-control-request-method": method };
        const answer = await get("cors.test", path, { method: "OPTIONS", headers });
        expect(answer.status).toBe(200);
        return answer.headers["access-control-allow-methods"];
      };
      for (const method of ALL_METHODS) expect(await allowed(`/${method}`)).toBe(method);
      for (const method of ["PUT", "DELETE"]) expect(await allowed("/any", method)).toBe(method);
      // A browser takes `*` for a method's name then.
      for (const method of ["PUT", "DELETE"])
        expect(await allowed("/credentials", method)).toBe(method);
      // What is asked for another origin is answered without asking the backend, and without a leave.
      const headers = { origin: "https://b.test", "access-control-request-method": "PUT" };
      const refused = await get("cors.test", "/any", { method: "OPTIONS", headers });
      expect(refused.body).toBe("");
      expect(refused.headers).not.toHaveProperty("access-control-allow-origin");
    },
  );

  proves(
    "HTTPRoute",
    ["rules[].filters[].requestMirror.backendRef.{group,kind,namespace}"],
    "sends copies to Services of its namespace, to hosts, and to Services that another namespace has granted",
    async () => {
      for (const path of ["/service", "/hostname", "/bucket", "/far", "/shut"]) {
        for (let i = 0; i < 3; i++)
          expect((await get("mirror.test", path)).echo().name).toBe("one");
      }
      await expect.poll(() => arrived("far", "/far")).toBe(3);
      for (const path of ["/service", "/hostname"]) {
        await expect.poll(() => arrived("two", path)).toBe(3);
      }
      for (const path of ["/bucket", "/far", "/shut"]) expect(arrived("two", path)).toBe(0);
      expect(arrived("far", "/shut")).toBe(0);
    },
  );

  proves(
    "HTTPRoute",
    ["rules[].name"],
    "names a rule, by which a rate limit picks its requests and no others",
    async () => {
      const statuses = async (path: string) => {
        const found: number[] = [];
        for (let i = 0; i < 4; i++) found.push((await get("name.test", path)).status);
        return found;
      };
      expect(await statuses("/few")).toEqual([200, 200, 429, 429]);
      expect(await statuses("/many")).toEqual([200, 200, 200, 200]);
    },
  );

  proves(
    "HTTPRoute",
    ["rules[].sessionPersistence.cookie.lifetimeType=Session"],
    "keeps a client on its server until the client forgets the cookie",
    async () => {
      const first = await get("session.test", "/session");
      const cookie = first.headers["set-cookie"] ?? "";
      expect(cookie).toMatch(/^now=/);
      expect(cookie).not.toContain("Max-Age");
      const permanent = await get("session.test", "/permanent");
      expect(permanent.headers["set-cookie"]).toContain("Max-Age=3600");
      const servers = async (path: string) => {
        const seen = new Set<string>();
        const headers = { cookie: cookie.split(";")[0] ?? "" };
        for (let i = 0; i < 12; i++) {
          seen.add((await get("session.test", path, { headers })).echo().name);
        }
        return [...seen].toSorted();
      };
      expect(await servers("/session")).toEqual([first.echo().name]);
      expect(await servers("/none")).toEqual(["one", "two"]);
    },
  );
});

/** The status, and what the other end of the tunnel said. */
function connected(authority: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = send({
      host: EDGE,
      port: 8080,
      method: "CONNECT",
      path: authority,
      headers: { host: authority },
      agent: false,
    });
    request.on("error", reject);
    request.on("connect", ({ statusCode = 0 }, socket, head) => {
      let text = head.toString();
      socket.on("data", (chunk: Buffer) => (text += chunk.toString()));
      socket.on("error", reject);
      socket.on("end", () => socket.end());
      socket.on("close", () => resolve(`${statusCode} ${text}`));
      if (statusCode !== 200) socket.destroy();
    });
    request.end();
  });
}
