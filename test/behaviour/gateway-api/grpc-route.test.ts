/** GRPCRoutes behind a Gateway: filters, mirrors, sessions, names of rules, and HTTPRoutes that want the same hosts. */
import type { GatewayApi } from "@heddle/model";
import { describe, expect } from "vitest";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { gatewayApi, rateLimit, service } from "../../harness/objects.ts";
import { ask, type Asking } from "../../harness/request.ts";
import { proves } from "../proves.ts";

const EDGE = "127.141.0.1";
const SERVERS = { one: "127.141.0.2", two: "127.141.0.3", far: "127.141.0.4" } as const;
const PORT = 9080;
const API = "gateway.networking.k8s.io";

type Rule = GatewayApi.GRPCRouteRule;
type Filter = GatewayApi.GRPCRouteFilter;

const to = (name: string, rest: Partial<GatewayApi.GRPCBackendRef> = {}) => ({
  name,
  port: PORT,
  ...rest,
});
/** A rule for all methods of one service, `shop.<Name>`. */
const rule = (name: string, rest: Partial<Rule>): Rule => ({
  matches: [{ method: { service: `shop.${name}` } }],
  backendRefs: [to("one")],
  ...rest,
});
const filtered = (name: string, ...filters: readonly Filter[]) => rule(name, { filters });
const mirrored = (name: string, mirror: GatewayApi.HTTPRequestMirrorFilter) =>
  filtered(name, { type: "RequestMirror", requestMirror: mirror });
const route = (name: string, hostname: string, rules: readonly Rule[], created = "2026-01-01") => ({
  ...gatewayApi<GatewayApi.GRPCRoute>("GRPCRoute", name, {
    parentRefs: [{ name: "edge" }],
    hostnames: [hostname],
    rules,
  }),
  ...aged(name, created),
});
const aged = (name: string, created: string) => ({
  metadata: {
    name,
    namespace: "default",
    labels: {},
    annotations: {},
    creationTimestamp: `${created}T00:00:00Z`,
  },
});
const httpRoute = (name: string, hostname: string, backend: string, created: string) => ({
  ...gatewayApi<GatewayApi.HTTPRoute>("HTTPRoute", name, {
    parentRefs: [{ name: "edge" }],
    hostnames: [hostname],
    rules: [{ backendRefs: [to(backend)] }],
  }),
  ...aged(name, created),
});

const OBJECTS = [
  ...service("one", [{ name: "http", port: PORT }], [SERVERS.one]),
  ...service("two", [{ name: "http", port: PORT }], [SERVERS.two]),
  ...service("both", [{ name: "http", port: PORT }], [SERVERS.one, SERVERS.two]),
  ...service("far", [{ name: "http", port: PORT }], [SERVERS.far], { namespace: "other" }),
  ...service("shut", [{ name: "http", port: PORT }], [SERVERS.far], { namespace: "other" }),
  // Of the same name in the route's own namespace, so that it is the namespace that decides.
  ...service("far", [{ name: "http", port: PORT }], [SERVERS.two]),
  gatewayApi<GatewayApi.Gateway>("Gateway", "edge", {
    gatewayClassName: "heddle",
    listeners: [{ name: "http", port: 8080, protocol: "HTTP" }],
  }),
  gatewayApi<GatewayApi.ReferenceGrant>(
    "ReferenceGrant",
    "far",
    {
      from: ["GRPCRoute", "HTTPRoute"].map((kind) => ({ group: API, kind, namespace: "default" })),
      to: [{ group: "", kind: "Service", name: "far" }],
    },
    "other",
  ),
  route("filters", "filter.test", [
    filtered("Request", {
      type: "RequestHeaderModifier",
      requestHeaderModifier: {
        set: [{ name: "x-set", value: "new" }],
        add: [{ name: "x-add", value: "more" }],
        remove: ["x-gone"],
      },
    }),
    filtered("Response", {
      type: "ResponseHeaderModifier",
      responseHeaderModifier: {
        set: [{ name: "x-application", value: "changed" }],
        add: [{ name: "x-more", value: "added" }],
        remove: ["content-type"],
      },
    }),
    filtered("Plain"),
    filtered("Extension", {
      type: "ExtensionRef",
      extensionRef: { group: "example.com", kind: "Filter", name: "f" },
    }),
    rule("Own", {
      backendRefs: [
        to("one", {
          filters: [
            {
              type: "RequestHeaderModifier",
              requestHeaderModifier: { set: [{ name: "x-backend", value: "one" }] },
            },
          ],
        }),
        to("two"),
      ],
    }),
    rule("Copied", {
      backendRefs: [
        to("one", {
          filters: [{ type: "RequestMirror", requestMirror: { backendRef: to("two") } }],
        }),
      ],
    }),
  ]),
  route("mirrors", "mirror.test", [
    mirrored("All", { backendRef: to("two") }),
    mirrored("Service", { backendRef: { group: "", kind: "Service", ...to("two") } }),
    mirrored("Hostname", {
      backendRef: {
        group: "networking.istio.io",
        kind: "Hostname",
        ...to("two.default.svc.cluster.local"),
      },
    }),
    mirrored("Bucket", { backendRef: { group: "example.com", kind: "Bucket", ...to("two") } }),
    mirrored("Far", { backendRef: to("far", { namespace: "other" }) }),
    mirrored("Shut", { backendRef: to("shut", { namespace: "other" }) }),
    mirrored("Gone", { backendRef: to("gone") }),
    mirrored("None", { backendRef: to("two"), percent: 0 }),
    mirrored("Some", { backendRef: to("two"), percent: 50 }),
    mirrored("Third", { backendRef: to("two"), fraction: { numerator: 1, denominator: 3 } }),
    mirrored("Hundredth", { backendRef: to("two"), fraction: { numerator: 100 } }),
  ]),
  route("sessions", "session.test", [
    rule("Permanent", {
      backendRefs: [to("both")],
      sessionPersistence: {
        type: "Cookie",
        absoluteTimeout: "1h",
        cookie: { name: "stay", lifetimeType: "Permanent", path: "/shop.Permanent/" },
      },
    }),
    rule("Short", {
      backendRefs: [to("both")],
      sessionPersistence: {
        absoluteTimeout: "2s",
        cookie: { name: "brief", lifetimeType: "Permanent" },
      },
    }),
    rule("Session", {
      backendRefs: [to("both")],
      sessionPersistence: { type: "Cookie", cookie: { name: "now", lifetimeType: "Session" } },
    }),
    rule("Header", {
      backendRefs: [to("both")],
      sessionPersistence: { type: "Header", header: { name: "x-stay" } },
    }),
    rule("Nothing", { backendRefs: [to("both")] }),
  ]),
  route("named", "name.test", [rule("Named", { name: "few" }), rule("Other", { name: "many" })]),
  rateLimit("few", {
    selector: { matchLabels: { "gateway.networking.k8s.io/gateway-name": "edge" } },
    limits: [{ requests: 2, per: "600s", match: { route: "few" } }],
  }),
  // Of two kinds for one host the older route is taken; a host that only the younger one has is its own.
  route("older", "older.test", [{ backendRefs: [to("one")] }], "2024-01-01"),
  httpRoute("younger", "older.test", "two", "2025-01-01"),
  httpRoute("older", "wide.test", "two", "2024-01-01"),
  route("younger", "*.test", [{ backendRefs: [to("one")] }], "2025-06-01"),
];

describe.skipIf(!envoyBinary)("GRPCRoutes behind a Gateway", () => {
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

  const call = (host: string, name: string, headers: Asking["headers"] = {}) =>
    ask(EDGE, 8080, host, `/shop.${name}/Call`, { method: "POST", headers });
  const served = async (host: string, name: string, headers?: Asking["headers"]) => {
    const answer = await call(host, name, headers);
    return answer.status === 200 ? answer.echo().name : answer.status;
  };
  const arrived = (at: "one" | "two" | "far", name: string) =>
    mesh.applications(at)[0]!.requests.filter(({ url }) => url === `/shop.${name}/Call`).length;

  const header = "rules[].filters[].requestHeaderModifier";
  proves(
    "GRPCRoute",
    [
      "rules[].filters[].type=RequestHeaderModifier",
      `${header}.{set,add}[].{name,value}`,
      `${header}.remove`,
    ],
    "sets, adds and removes metadata of calls",
    async () => {
      const given = { "x-set": "old", "x-add": "some", "x-gone": "here", "x-kept": "yes" };
      const { headers } = (await call("filter.test", "Request", given)).echo();
      expect(headers).toMatchObject({ "x-set": "new", "x-kept": "yes" });
      expect(headers["x-add"]?.replace(" ", "")).toBe("some,more");
      expect(headers).not.toHaveProperty("x-gone");
      expect((await call("filter.test", "Plain", given)).echo().headers).toMatchObject(given);
    },
  );

  const response = "rules[].filters[].responseHeaderModifier";
  proves(
    "GRPCRoute",
    [
      "rules[].filters[].type=ResponseHeaderModifier",
      `${response}.{set,add}[].{name,value}`,
      `${response}.remove`,
    ],
    "sets, adds and removes metadata of answers",
    async () => {
      const { headers } = await call("filter.test", "Response");
      expect(headers).toMatchObject({ "x-application": "changed", "x-more": "added" });
      expect(headers).not.toHaveProperty("content-type");
      const plain = (await call("filter.test", "Plain")).headers;
      expect(plain).toMatchObject({ "x-application": "one", "content-type": "application/json" });
      expect(plain).not.toHaveProperty("x-more");
    },
  );

  proves(
    "GRPCRoute",
    ["rules[].filters[].type=ExtensionRef", "rules[].filters[].extensionRef.{group,kind,name}"],
    "refuses calls whose filter nobody knows, as unavailable",
    async () => {
      expect(await served("filter.test", "Extension")).toBe(503);
      expect(await served("filter.test", "Plain")).toBe("one");
    },
  );

  proves(
    "GRPCRoute",
    ["rules[].backendRefs[].filters"],
    "changes the calls to one backend alone, and copies those of a lone one",
    async () => {
      const seen = new Set<string>();
      for (let i = 0; i < 40; i++) {
        const { name, headers } = (await call("filter.test", "Own")).echo();
        expect(headers["x-backend"]).toBe(name === "one" ? "one" : undefined);
        seen.add(name);
      }
      expect(seen.size).toBe(2);
      expect(await served("filter.test", "Copied")).toBe("one");
      await expect.poll(() => arrived("two", "Copied")).toBe(1);
    },
  );

  const mirror = "rules[].filters[].requestMirror";
  proves(
    "GRPCRoute",
    [
      "rules[].filters[].type=RequestMirror",
      `${mirror}.backendRef.{group,kind,namespace,name,port}`,
      `${mirror}.percent`,
      `${mirror}.fraction.{numerator,denominator}`,
    ],
    "sends copies of calls to a backend that is there and granted, of all of them or of a share",
    async () => {
      const names = ["All", "Service", "Hostname", "Bucket", "Far", "Shut", "Gone", "None"];
      for (const name of names) {
        for (let i = 0; i < 5; i++) expect(await served("mirror.test", name)).toBe("one");
      }
      for (let i = 0; i < 60; i++) {
        await call("mirror.test", "Some");
        await call("mirror.test", "Third");
        await call("mirror.test", "Hundredth");
      }
      await expect.poll(() => arrived("two", "Hundredth")).toBe(60);
      for (const name of ["All", "Service", "Hostname"]) expect(arrived("two", name)).toBe(5);
      for (const name of ["Bucket", "Far", "Shut", "Gone", "None"]) {
        expect(arrived("two", name)).toBe(0);
      }
      expect(arrived("far", "Far")).toBe(5);
      expect(arrived("far", "Shut")).toBe(0);
      const [half, third] = [arrived("two", "Some"), arrived("two", "Third")];
      expect(half).toBeGreaterThan(13);
      expect(half).toBeLessThan(47);
      expect(third).toBeGreaterThan(5);
      expect(third).toBeLessThan(37);
    },
  );

  const session = "rules[].sessionPersistence";
  proves(
    "GRPCRoute",
    [
      `${session}.type={Cookie,Header}`,
      `${session}.absoluteTimeout`,
      `${session}.cookie.{name,path}`,
      `${session}.cookie.lifetimeType={Permanent,Session}`,
      `${session}.header.name`,
    ],
    "keeps a client on its server by a cookie, for as long as it is told, or by metadata",
    async () => {
      const cookieOf = async (name: string) => {
        const answer = await call("session.test", name);
        const whole = answer.headers["set-cookie"] ?? "";
        return { whole, sent: whole.split(";")[0] ?? "", server: answer.echo().name };
      };
      const stays = async (name: string, headers: Asking["headers"], server: string) => {
        for (let i = 0; i < 12; i++)
          expect(await served("session.test", name, headers)).toBe(server);
      };
      const permanent = await cookieOf("Permanent");
      expect(permanent.whole).toMatch(/^stay=.*Max-Age=3600.*Path=\/shop\.Permanent\//);
      await stays("Permanent", { cookie: permanent.sent }, permanent.server);
      const now = await cookieOf("Session");
      expect(now.whole).toMatch(/^now=/);
      expect(now.whole).not.toContain("Max-Age");
      await stays("Session", { cookie: now.sent }, now.server);
      const first = await call("session.test", "Header");
      const stay = { "x-stay": first.headers["x-stay"] ?? "" };
      expect(stay["x-stay"]).not.toBe("");
      await stays("Header", stay, first.echo().name);
      // Without any, and with a session that has lasted too long, calls go round.
      const round = async (name: string, headers: Asking["headers"]) => {
        const seen = new Set<unknown>();
        for (let i = 0; i < 12; i++) seen.add(await served("session.test", name, headers));
        return seen.size;
      };
      expect(await round("Nothing", {})).toBe(2);
      const brief = await cookieOf("Short");
      await expect
        .poll(() => round("Short", { cookie: brief.sent }), { timeout: 10_000, interval: 300 })
        .toBe(2);
    },
  );

  proves(
    "GRPCRoute",
    ["rules[].name"],
    "names a rule, by which a rate limit picks its calls and no others",
    async () => {
      const statuses = async (name: string) => {
        const found: number[] = [];
        for (let i = 0; i < 4; i++) found.push((await call("name.test", name)).status);
        return found;
      };
      expect(await statuses("Named")).toEqual([200, 200, 429, 429]);
      expect(await statuses("Other")).toEqual([200, 200, 200, 200]);
    },
  );

  proves(
    { GRPCRoute: ["hostnames"], HTTPRoute: ["hostnames"] },
    "takes the older one of an HTTPRoute and a GRPCRoute whose hosts overlap, and nothing of the other",
    async () => {
      expect(await served("older.test", "Any")).toBe("one");
      expect(await served("wide.test", "Any")).toBe("two");
      // Its wildcard overlaps with the older HTTPRoute's host.
      expect(await served("unknown.test", "Any")).toBe(404);
    },
  );
});
