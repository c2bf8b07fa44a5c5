/** HTTPRoutes behind a Gateway: matches and their precedence, filters, backends, time-outs, by requests to a real Envoy. */
import type { GatewayApi } from "@heddle/model";
import { describe, expect, test, vi } from "vitest";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh, type TestMesh } from "../../harness/mesh.ts";
import { gatewayApi, service } from "../../harness/objects.ts";
import { ask, type Asking } from "../../harness/request.ts";
import { sharesOf } from "../../harness/shares.ts";
import { proves } from "../proves.ts";

const EDGE = "127.91.0.1";
const ADDRESSES = { one: "127.91.0.2", two: "127.91.0.3", far: "127.91.0.4", many: "127.91.0.5" };
const PORT = 9080;

type Rule = GatewayApi.HTTPRouteRule;
type Filter = GatewayApi.HTTPRouteFilter;

const to = (name: string, rest: Partial<GatewayApi.HTTPBackendRef> = {}) => ({
  name,
  port: PORT,
  ...rest,
});
const prefix = (value: string) => ({ path: { type: "PathPrefix" as const, value } });
const route = (name: string, hostname: string, rules: readonly Rule[], namespace = "default") =>
  gatewayApi<GatewayApi.HTTPRoute>(
    "HTTPRoute",
    name,
    { parentRefs: [{ name: "edge", namespace: "default" }], hostnames: [hostname], rules },
    namespace,
  );
const filtered = (path: string, filters: readonly Filter[], rest: Partial<Rule> = {}): Rule => ({
  matches: [prefix(path)],
  filters,
  backendRefs: [to("one")],
  ...rest,
});

const OBJECTS = [
  ...service("one", [{ name: "http", port: PORT }], [ADDRESSES.one]),
  ...service("two", [{ name: "http", port: PORT }], [ADDRESSES.two]),
  ...service("far", [{ name: "http", port: PORT }], [ADDRESSES.far], { namespace: "other" }),
  ...service(
    "many",
    [{ name: "http", port: PORT }],
    [ADDRESSES.one, ADDRESSES.two, ADDRESSES.many],
  ),
  gatewayApi<GatewayApi.Gateway>("Gateway", "edge", {
    gatewayClassName: "heddle",
    listeners: [
      { name: "http", port: 8080, protocol: "HTTP" },
      { name: "wild", port: 8080, protocol: "HTTP", hostname: "*.wild.test" },
      { name: "own", port: 8080, protocol: "HTTP", hostname: "own.wild.test" },
      { name: "other", port: 8081, protocol: "HTTP" },
    ],
  }),
  route("matches", "match.test", [
    { name: "everything", backendRefs: [to("two")] },
    { matches: [prefix("/a")], backendRefs: [to("one")] },
    { matches: [prefix("/a/b/")], backendRefs: [to("two")] },
    { matches: [{ path: { type: "Exact", value: "/a/b" } }], backendRefs: [to("one")] },
    {
      matches: [{ path: { type: "RegularExpression", value: "/number/[0-9]+" } }],
      backendRefs: [to("one")],
    },
    { matches: [{ ...prefix("/method"), method: "POST" }], backendRefs: [to("one")] },
    {
      matches: [{ ...prefix("/header"), headers: [{ name: "X-One", value: "yes" }] }],
      backendRefs: [to("one")],
    },
    {
      matches: [
        {
          ...prefix("/header"),
          headers: [
            { name: "x-one", value: "yes" },
            { name: "x-two", type: "RegularExpression", value: "a+" },
          ],
        },
      ],
      backendRefs: [to("two")],
    },
    {
      matches: [{ ...prefix("/query"), queryParams: [{ name: "q", value: "1" }] }],
      backendRefs: [to("one")],
    },
    {
      matches: [
        {
          ...prefix("/query"),
          queryParams: [{ name: "r", type: "RegularExpression", value: "b+" }],
        },
      ],
      backendRefs: [to("one")],
    },
  ]),
  route("filters", "filter.test", [
    filtered("/request", [
      {
        type: "RequestHeaderModifier",
        requestHeaderModifier: {
          set: [{ name: "x-set", value: "new" }],
          add: [{ name: "x-add", value: "more" }],
          remove: ["x-gone"],
        },
      },
    ]),
    filtered("/response", [
      {
        type: "ResponseHeaderModifier",
        responseHeaderModifier: {
          set: [{ name: "x-application", value: "changed" }],
          add: [{ name: "x-more", value: "added" }],
          remove: ["content-type"],
        },
      },
    ]),
    filtered(
      "/redirect",
      [
        {
          type: "RequestRedirect",
          requestRedirect: {
            scheme: "https",
            hostname: "new.test",
            port: 8443,
            statusCode: 301,
            path: { type: "ReplacePrefixMatch", replacePrefixMatch: "/moved" },
          },
        },
      ],
      { backendRefs: [] },
    ),
    filtered(
      "/whole",
      [
        {
          type: "RequestRedirect",
          requestRedirect: { path: { type: "ReplaceFullPath", replaceFullPath: "/at/once" } },
        },
      ],
      { backendRefs: [] },
    ),
    filtered("/upgrade", [{ type: "RequestRedirect", requestRedirect: { scheme: "https" } }], {
      backendRefs: [],
    }),
    filtered("/strip", [
      {
        type: "URLRewrite",
        urlRewrite: {
          hostname: "inner.test",
          path: { type: "ReplacePrefixMatch", replacePrefixMatch: "/" },
        },
      },
    ]),
    filtered("/full", [
      {
        type: "URLRewrite",
        urlRewrite: { path: { type: "ReplaceFullPath", replaceFullPath: "/one/path" } },
      },
    ]),
    filtered("/mirror", [{ type: "RequestMirror", requestMirror: { backendRef: to("two") } }]),
    filtered("/unmirrored", [
      { type: "RequestMirror", requestMirror: { backendRef: to("two"), percent: 0 } },
    ]),
    filtered("/half", [
      {
        type: "RequestMirror",
        requestMirror: { backendRef: to("two"), fraction: { numerator: 1, denominator: 2 } },
      },
    ]),
    filtered("/cors", [
      {
        type: "CORS",
        cors: {
          allowOrigins: ["https://shop.test", "https://*.shop.test"],
          allowMethods: ["GET", "PUT"],
          allowHeaders: ["x-asked"],
          exposeHeaders: ["x-shown"],
          allowCredentials: true,
          maxAge: 77,
        },
      },
    ]),
    filtered("/extension", [
      { type: "ExtensionRef", extensionRef: { group: "example.com", kind: "Filter", name: "f" } },
    ]),
    {
      matches: [prefix("/own")],
      backendRefs: [
        to("one", {
          filters: [
            {
              type: "RequestHeaderModifier",
              requestHeaderModifier: { set: [{ name: "x-backend", value: "one" }] },
            },
          ],
        }),
        to("two", {
          filters: [
            {
              type: "ResponseHeaderModifier",
              responseHeaderModifier: { set: [{ name: "x-backend", value: "two" }] },
            },
          ],
        }),
      ],
    },
  ]),
  route("backends", "backend.test", [
    {
      matches: [prefix("/split")],
      backendRefs: [to("one", { weight: 3 }), to("two", { weight: 1 })],
    },
    { matches: [prefix("/zero")], backendRefs: [to("one", { weight: 0 }), to("two")] },
    { matches: [prefix("/missing")], backendRefs: [to("nobody")] },
    { matches: [prefix("/half")], backendRefs: [to("one"), to("nobody")] },
    {
      matches: [prefix("/kind")],
      backendRefs: [{ kind: "Bucket", group: "example.com", name: "b" }],
    },
    { matches: [prefix("/far")], backendRefs: [to("far", { namespace: "other" })] },
    { matches: [prefix("/none")] },
  ]),
  route("timing", "time.test", [
    { matches: [prefix("/slow")], timeouts: { request: "300ms" }, backendRefs: [to("one")] },
    {
      matches: [prefix("/status")],
      retry: { codes: [503], attempts: 1, backoff: "10ms" },
      backendRefs: [to("one")],
    },
    {
      matches: [prefix("/flaky")],
      retry: { codes: [503], attempts: 1, backoff: "10ms" },
      backendRefs: [to("one")],
    },
    {
      matches: [prefix("/cookie")],
      sessionPersistence: {
        cookie: { name: "stay", path: "/cookie", lifetimeType: "Permanent" },
        absoluteTimeout: "1h",
      },
      backendRefs: [to("many")],
    },
    {
      matches: [prefix("/token")],
      sessionPersistence: { type: "Header", header: { name: "x-stay" } },
      backendRefs: [to("many")],
    },
  ]),
  route("attempts", "attempt.test", [
    { timeouts: { backendRequest: "200ms", request: "5s" }, backendRefs: [to("one")] },
  ]),
  gatewayApi<GatewayApi.HTTPRoute>("HTTPRoute", "wide", {
    parentRefs: [{ name: "edge", sectionName: "wild" }],
    rules: [{ backendRefs: [to("one")] }],
  }),
  gatewayApi<GatewayApi.HTTPRoute>("HTTPRoute", "port", {
    parentRefs: [{ name: "edge", port: 8081 }],
    rules: [{ backendRefs: [to("two")] }],
  }),
];

// Ten thousand requests take their time where other tests run beside them.
vi.setConfig({ testTimeout: 120_000 });

describe.skipIf(!envoyBinary)("HTTPRoutes behind a Gateway", () => {
  const mesh = startedMesh({
    workloads: {
      edge: {
        address: EDGE,
        type: "router",
        labels: { "gateway.networking.k8s.io/gateway-name": "edge" },
      },
      one: { address: ADDRESSES.one, ports: [PORT] },
      two: { address: ADDRESSES.two, ports: [PORT] },
      far: { address: ADDRESSES.far, ports: [PORT], namespace: "other" },
      many: { address: ADDRESSES.many, ports: [PORT] },
    },
    objects: OBJECTS,
  });

  const get = (host: string, path: string, asking?: Asking, port = 8080) =>
    ask(EDGE, port, host, path, asking);
  const served = async (host: string, path: string, asking?: Asking, port?: number) => {
    const answer = await get(host, path, asking, port);
    return answer.status === 200 ? answer.echo().name : answer.status;
  };
  const arrived = (name: "two", path: string) =>
    mesh.applications(name)[0]!.requests.filter(({ url }) => url.startsWith(path)).length;

  proves(
    "HTTPRoute",
    [
      "rules[].matches[].path.type={Exact,PathPrefix,RegularExpression}",
      "rules[].matches[].path.value",
    ],
    "matches a path in full, by whole segments, the longest first, or by a regular expression",
    async () => {
      expect(await served("match.test", "/a")).toBe("one");
      expect(await served("match.test", "/a/c")).toBe("one");
      expect(await served("match.test", "/ab")).toBe("two");
      expect(await served("match.test", "/a/b")).toBe("one");
      expect(await served("match.test", "/a/b/")).toBe("two");
      expect(await served("match.test", "/a/b/c")).toBe("two");
      expect(await served("match.test", "/number/12")).toBe("one");
      expect(await served("match.test", "/number/x")).toBe("two");
    },
  );

  proves(
    "HTTPRoute",
    [
      "rules[].matches[].method=POST",
      "rules[].matches[].headers[].{name,value}",
      "rules[].matches[].headers[].type={Exact,RegularExpression}",
      "rules[].matches[].queryParams[].{name,value}",
      "rules[].matches[].queryParams[].type={Exact,RegularExpression}",
    ],
    "matches methods, headers and queries, and the rule that asks for more goes first",
    async () => {
      expect(await served("match.test", "/method", { method: "POST" })).toBe("one");
      expect(await served("match.test", "/method")).toBe("two");
      expect(await served("match.test", "/header", { headers: { "x-one": "yes" } })).toBe("one");
      expect(
        await served("match.test", "/header", { headers: { "x-one": "yes", "x-two": "aa" } }),
      ).toBe("two");
      expect(
        await served("match.test", "/header", { headers: { "x-one": "yes", "x-two": "b" } }),
      ).toBe("one");
      expect(await served("match.test", "/header")).toBe("two");
      expect(await served("match.test", "/query?q=1")).toBe("one");
      expect(await served("match.test", "/query?q=2")).toBe("two");
      expect(await served("match.test", "/query?r=bb")).toBe("one");
    },
  );

  proves(
    "HTTPRoute",
    ["hostnames", "parentRefs[].{name,sectionName,port,namespace}"],
    "takes the hosts of its route and the listener that it names",
    async () => {
      expect(await served("unknown.test", "/")).toBe(404);
      expect(await served("any.wild.test", "/")).toBe("one");
      // A listener's name is its own, even without a route.
      expect(await served("own.wild.test", "/")).toBe(404);
      expect(await served("unknown.test", "/", {}, 8081)).toBe("two");
    },
  );

  const header = "rules[].filters[].requestHeaderModifier";
  proves(
    "HTTPRoute",
    [
      `${header}.set[].{name,value}`,
      `${header}.add[].{name,value}`,
      `${header}.remove`,
      "rules[].filters[].type=RequestHeaderModifier",
    ],
    "sets, adds and removes headers of requests",
    async () => {
      const answer = await get("filter.test", "/request", {
        headers: { "x-set": "old", "x-add": "some", "x-gone": "here", "x-kept": "yes" },
      });
      const { headers } = answer.echo();
      expect(headers).toMatchObject({ "x-set": "new", "x-kept": "yes" });
      expect(headers["x-add"]?.replace(" ", "")).toBe("some,more");
      expect(headers).not.toHaveProperty("x-gone");
    },
  );

  proves(
    "HTTPRoute",
    [
      "rules[].filters[].responseHeaderModifier.set[].{name,value}",
      "rules[].filters[].responseHeaderModifier.add[].{name,value}",
      "rules[].filters[].responseHeaderModifier.remove",
      "rules[].filters[].type=ResponseHeaderModifier",
    ],
    "sets, adds and removes headers of responses",
    async () => {
      const { headers } = await get("filter.test", "/response");
      expect(headers).toMatchObject({ "x-application": "changed", "x-more": "added" });
      expect(headers).not.toHaveProperty("content-type");
    },
  );

  const redirect = "rules[].filters[].requestRedirect";
  proves(
    "HTTPRoute",
    [
      `${redirect}.scheme={http,https}`,
      `${redirect}.{hostname,port,statusCode}`,
      `${redirect}.path.type={ReplaceFullPath,ReplacePrefixMatch}`,
      `${redirect}.path.{replaceFullPath,replacePrefixMatch}`,
      "rules[].filters[].type=RequestRedirect",
    ],
    "redirects with another scheme, host, port, path and status",
    async () => {
      const moved = await get("filter.test", "/redirect/here?q=1");
      expect(moved.status).toBe(301);
      expect(moved.headers["location"]).toBe("https://new.test:8443/moved/here?q=1");
      const whole = await get("filter.test", "/whole/x?q=1");
      expect(whole.status).toBe(302);
      expect(whole.headers["location"]).toBe("http://filter.test:8080/at/once?q=1");
      const upgraded = await get("filter.test", "/upgrade/x");
      expect(upgraded.headers["location"]).toBe("https://filter.test/upgrade/x");
    },
  );

  const rewrite = "rules[].filters[].urlRewrite";
  proves(
    "HTTPRoute",
    [
      `${rewrite}.hostname`,
      `${rewrite}.path.type={ReplaceFullPath,ReplacePrefixMatch}`,
      `${rewrite}.path.{replaceFullPath,replacePrefixMatch}`,
      "rules[].filters[].type=URLRewrite",
    ],
    "rewrites the host, the prefix or the whole path",
    async () => {
      const stripped = (await get("filter.test", "/strip/a/b?q=1")).echo();
      expect(stripped.url).toBe("/a/b?q=1");
      expect(stripped.headers["host"]).toBe("inner.test");
      expect((await get("filter.test", "/strip")).echo().url).toBe("/");
      expect((await get("filter.test", "/full/a/b")).echo().url).toBe("/one/path");
    },
  );

  const mirror = "rules[].filters[].requestMirror";
  proves(
    "HTTPRoute",
    [
      `${mirror}.backendRef.{name,port}`,
      `${mirror}.percent`,
      `${mirror}.fraction.{numerator,denominator}`,
      "rules[].filters[].type=RequestMirror",
    ],
    "sends copies of all requests, of none, or of a fraction",
    async () => {
      for (let i = 0; i < 60; i++) {
        await get("filter.test", "/mirror");
        await get("filter.test", "/unmirrored");
        await get("filter.test", "/half");
      }
      await expect.poll(() => arrived("two", "/mirror")).toBe(60);
      expect(arrived("two", "/unmirrored")).toBe(0);
      const half = arrived("two", "/half");
      expect(half).toBeGreaterThan(12);
      expect(half).toBeLessThan(48);
    },
  );

  const cors = "rules[].filters[].cors";
  proves(
    "HTTPRoute",
    [
      `${cors}.{allowOrigins,allowCredentials,allowHeaders,exposeHeaders,maxAge}`,
      `${cors}.allowMethods={GET,PUT}`,
      "rules[].filters[].type=CORS",
    ],
    "answers preflights for the origins that it allows",
    async () => {
      const preflight = (origin: string) =>
        get("filter.test", "/cors", {
          method: "OPTIONS",
          headers: { origin, "access-control-request-method": "PUT" },
        });
      for (const origin of ["https://shop.test", "https://a.shop.test"]) {
        const { status, headers } = await preflight(origin);
        expect(status).toBe(200);
        expect(headers).toMatchObject({
          "access-control-allow-origin": origin,
          "access-control-allow-methods": "GET,PUT",
          "access-control-allow-headers": "x-asked",
          "access-control-allow-credentials": "true",
          "access-control-max-age": "77",
        });
      }
      expect((await preflight("https://evil.test")).headers).not.toHaveProperty(
        "access-control-allow-origin",
      );
      const simple = await get("filter.test", "/cors", {
        headers: { origin: "https://shop.test" },
      });
      expect(simple.headers["access-control-expose-headers"]).toBe("x-shown");
    },
  );

  proves(
    "HTTPRoute",
    ["rules[].filters[].type=ExtensionRef", "rules[].filters[].extensionRef.{group,kind,name}"],
    "refuses requests whose filter nobody knows",
    async () => {
      expect(await served("filter.test", "/extension")).toBe(500);
    },
  );

  proves(
    "HTTPRoute",
    ["rules[].backendRefs[].filters"],
    "changes headers for one backend alone",
    async () => {
      const seen = new Set<string>();
      for (let i = 0; i < 40; i++) {
        const answer = await get("filter.test", "/own");
        const echo = answer.echo();
        const changed = `${echo.headers["x-backend"] ?? ""}/${answer.headers["x-backend"] ?? ""}`;
        expect(changed).toBe(echo.name === "one" ? "one/" : "/two");
        seen.add(echo.name);
      }
      expect(seen.size).toBe(2);
    },
  );

  proves(
    "HTTPRoute",
    ["rules[].backendRefs[].{name,port,weight,group,kind,namespace}"],
    "shares requests by weight, and answers the share of backends that are not there with 500",
    async () => {
      const counts = async (path: string, times: number) => {
        const found: Record<string, number> = {};
        for (let i = 0; i < times; i++) {
          const who = String(await served("backend.test", path));
          found[who] = (found[who] ?? 0) + 1;
        }
        return found;
      };
      const edge: Pick<TestMesh<"edge">, "get"> = {
        get: (_, authority, path = "/", asking) => get(authority, path, asking),
      };
      const split = await sharesOf(edge, "edge", "backend.test", { path: "/split" });
      expect(Math.abs(split.of("one") - 0.75)).toBeLessThan(0.02);
      expect(Math.abs(split.of("two") - 0.25)).toBeLessThan(0.02);
      expect(await counts("/zero", 20)).toEqual({ two: 20 });
      expect(await counts("/missing", 3)).toEqual({ 500: 3 });
      const half = await counts("/half", 60);
      expect(half["one"]).toBeGreaterThan(12);
      expect(half["500"]).toBeGreaterThan(12);
      expect(await counts("/kind", 1)).toEqual({ 500: 1 });
      // Nobody in the other namespace has let us in.
      expect(await counts("/far", 1)).toEqual({ 500: 1 });
      expect(await counts("/none", 1)).toEqual({ 500: 1 });
    },
  );

  proves(
    "HTTPRoute",
    ["rules[].timeouts.{request,backendRequest}", "rules[].retry.{codes,attempts,backoff}"],
    "gives up after the time-out, and tries again for the codes that it is told",
    async () => {
      expect(await served("time.test", "/slow/1500")).toBe(504);
      expect(await served("time.test", "/slow/10")).toBe("one");
      expect(await served("attempt.test", "/slow/1500")).toBe(504);
      expect(await served("attempt.test", "/slow/10")).toBe("one");
      expect(await served("time.test", "/flaky/again")).toBe("one");
      expect(await served("time.test", "/status/500")).toBe(500);
      const tries = mesh
        .applications("one")[0]!
        .requests.filter(({ url }) => url === "/status/500").length;
      expect(tries).toBe(1);
    },
  );

  const session = "rules[].sessionPersistence";
  proves(
    "HTTPRoute",
    [
      `${session}.type={Cookie,Header}`,
      `${session}.cookie.{name,path}`,
      `${session}.cookie.lifetimeType=Permanent`,
      `${session}.{absoluteTimeout,header.name}`,
    ],
    "keeps a client on its endpoint by a cookie or a header",
    async () => {
      const first = await get("time.test", "/cookie");
      const cookie = first.headers["set-cookie"] ?? "";
      expect(cookie).toMatch(/^stay=/);
      expect(cookie).toContain("Path=/cookie");
      expect(cookie).toContain("Max-Age=3600");
      const headers = { cookie: cookie.split(";")[0] ?? "" };
      for (let i = 0; i < 12; i++) {
        expect(await served("time.test", "/cookie", { headers })).toBe(first.echo().name);
      }
      const token = await get("time.test", "/token");
      const stay = { "x-stay": token.headers["x-stay"] ?? "" };
      expect(stay["x-stay"]).not.toBe("");
      for (let i = 0; i < 12; i++) {
        expect(await served("time.test", "/token", { headers: stay })).toBe(token.echo().name);
      }
    },
  );

  test("a rule's name stands in its route", async () => {
    const dump = await mesh.envoy("edge").admin("/config_dump");
    expect(dump).toContain('"name": "everything"');
  });
});
