/** Tokens at gateways: which gateway looks at them, and routes that are chosen by what they say. */
import { type HTTPMatchRequest, parseObject } from "@heddle/model";
import { describe, expect } from "vitest";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh, type TestWorkload } from "../../harness/mesh.ts";
import {
  gateway,
  rateLimit,
  requestAuthentication,
  service,
  virtualService,
} from "../../harness/objects.ts";
import { ask } from "../../harness/request.ts";
import { createIssuerKey, keySet } from "../../harness/token-issuer.ts";
import { proves, refuses } from "../proves.ts";

const PORT = 8080;
const EDGES = {
  edge: "127.241.4.1",
  older: "127.241.4.2",
  free: "127.241.4.3",
} as const;
type Edge = keyof typeof EDGES;
const SHOP = "127.241.4.4";

const edge = (name: Edge): TestWorkload => ({
  ...{ address: EDGES[name], type: "router" },
  labels: { istio: "ingressgateway", "gateway.networking.k8s.io/gateway-name": name },
});

const ISSUER = "https://issuer.test";
const GATEWAY = { group: "gateway.networking.k8s.io", kind: "Gateway" };

describe.skipIf(!envoyBinary)("tokens at gateways", async () => {
  const key = await createIssuerKey(ISSUER, "one");
  const jwks = JSON.stringify(keySet(key));
  const by = (name: string, match: Pick<HTTPMatchRequest, "headers" | "withoutHeaders">) => ({
    match: [match],
    directResponse: { status: 200, body: { string: name } },
  });

  startedMesh({
    workloads: {
      edge: edge("edge"),
      older: edge("older"),
      free: edge("free"),
      shop: { address: SHOP, ports: [9080] },
    },
    objects: [
      ...service("shop", [{ name: "http", port: 9080 }], [SHOP]),
      gateway("all", {
        selector: { istio: "ingressgateway" },
        servers: [{ port: { number: PORT, name: "http", protocol: "HTTP" }, hosts: ["*"] }],
      }),
      virtualService("claims", {
        hosts: ["*"],
        gateways: ["all"],
        http: [
          { match: [{ uri: { prefix: "/shop" } }], route: [{ destination: { host: "shop" } }] },
          by("admin", { headers: { "@request.auth.claims.group": { exact: "admin" } } }),
          by("prefix", { headers: { "@request.auth.claims.group": { prefix: "dev-" } } }),
          by("regex", { headers: { "@request.auth.claims.group": { regex: "ops[0-9]+" } } }),
          by("nested", { headers: { "@request.auth.claims.org.team": { exact: "blue" } } }),
          by("dotted", {
            headers: { "@request.auth.claims[a.test/plan][name]": { exact: "gold" } },
          }),
          by("writer", { headers: { "@request.auth.claims.roles": { exact: "writer" } } }),
          by("scoped", { headers: { "@request.auth.claims.scope": { exact: "write" } } }),
          by("words", { headers: { "@request.auth.claims.words": { exact: "two" } } }),
          by("both", {
            headers: {
              "@request.auth.claims.kind": { exact: "a" },
              "x-kind": { exact: "a" },
            },
          }),
          by("known", {
            headers: { "@request.auth.claims.sub": {} },
            withoutHeaders: { "@request.auth.claims.level": { exact: "low" } },
          }),
          by("rest", {}),
        ],
      }),
      requestAuthentication("edge", {
        targetRefs: [{ ...GATEWAY, name: "edge" }],
        jwtRules: [{ issuer: ISSUER, jwks, spaceDelimitedClaims: ["roles"] }],
      }),
      requestAuthentication("older", {
        targetRef: { ...GATEWAY, name: "older" },
        jwtRules: [{ issuer: ISSUER, jwks }],
      }),
      rateLimit("claims", {
        selector: { matchLabels: { "gateway.networking.k8s.io/gateway-name": "edge" } },
        limits: [
          {
            match: { path: { exact: "/limited" } },
            by: [{ claim: "org.team" }],
            requests: 2,
            per: "600s",
          },
        ],
      }),
    ],
  });
  const get = async (
    claims?: Record<string, unknown>,
    { at = "edge" as Edge, path = "/", headers = {} as Record<string, string> } = {},
  ) => {
    const token = claims && (await key.sign(claims));
    return ask(EDGES[at], PORT, "shop.test", path, {
      headers: { ...headers, ...(token ? { authorization: `Bearer ${token}` } : {}) },
    });
  };
  const chosen = async (claims?: Record<string, unknown>, more?: Parameters<typeof get>[1]) =>
    (await get(claims, more)).body;
  const garbage = { headers: { authorization: "Bearer garbage" } };

  proves(
    "RequestAuthentication",
    ["targetRef.{group,name}", "targetRefs[].{group,name}"],
    "the gateway that is named looks at tokens, and no other",
    async () => {
      const statusAt = async (at: Edge) => (await get(undefined, { at, ...garbage })).status;
      expect([await statusAt("edge"), await statusAt("older"), await statusAt("free")]).toEqual([
        401, 401, 200,
      ]);
    },
  );

  proves(
    "VirtualService",
    ["http[].match[].headers{}.{exact,prefix,regex}", "http[].match[].withoutHeaders{}.exact"],
    "routes of a gateway are chosen by claims of a token, nested ones and lists too",
    async () => {
      expect(await chosen()).toBe("rest");
      expect(await chosen({ group: "admin" })).toBe("admin");
      expect(await chosen({ group: ["x", "admin"] })).toBe("admin");
      expect(await chosen({ group: "dev-a" })).toBe("prefix");
      expect(await chosen({ group: "ops7" })).toBe("regex");
      expect(await chosen({ org: { team: "blue" } })).toBe("nested");
      expect(await chosen({ "org.team": "blue" })).toBe("known");
      expect(await chosen({ "a.test/plan": { name: "gold" } })).toBe("dotted");
      expect(await chosen({ level: "low" })).toBe("rest");
      expect(await chosen({ level: "high" })).toBe("known");
      expect(await chosen({ kind: "a" })).toBe("known");
      expect(await chosen({ kind: "a" }, { headers: { "x-kind": "a" } })).toBe("both");
      expect(await chosen(undefined, { headers: { "x-kind": "a" } })).toBe("rest");
      // Where nobody looks at tokens there are no claims.
      expect(await chosen({ group: "admin" }, { at: "free" })).toBe("rest");
      expect((await get(undefined, garbage)).status).toBe(401);
    },
  );

  proves(
    "RequestAuthentication",
    ["jwtRules[].spaceDelimitedClaims"],
    "a claim that is named holds several values with spaces between, and scope always does",
    async () => {
      expect(await chosen({ roles: "reader writer" })).toBe("writer");
      expect(await chosen({ roles: "reader writer" }, { at: "older" })).toBe("known");
      expect(await chosen({ scope: "read write" }, { at: "older" })).toBe("scoped");
      expect(await chosen({ words: "one two" })).toBe("known");
    },
  );

  proves(
    "RateLimit",
    ["limits[].by[].claim"],
    "requests are counted by a claim of their token, and those without it are not",
    async () => {
      const ask = async (claims?: Record<string, unknown>) =>
        (await get(claims, { path: "/limited" })).status;
      const team = (name: string) => ({ org: { team: name } });
      expect([await ask(team("blue")), await ask(team("blue")), await ask(team("blue"))]).toEqual([
        200, 200, 429,
      ]);
      expect(await ask(team("red"))).toBe(200);
      for (let count = 0; count < 4; count++) expect(await ask({ org: "none" })).toBe(200);
      for (let count = 0; count < 4; count++) expect(await ask()).toBe(200);
    },
  );
});

describe("a RequestAuthentication for another namespace", () => {
  const target = { ...GATEWAY, name: "edge" };
  const problems = (spec: object) =>
    parseObject({
      apiVersion: "security.istio.io/v1",
      kind: "RequestAuthentication",
      metadata: { name: "main", namespace: "default" },
      spec,
    }).diagnostics.map(({ level, path }) => `${level} ${path}`);

  refuses(
    "RequestAuthentication",
    ["targetRef.namespace", "targetRefs[].namespace"],
    "a target of another namespace is refused",
    () => {
      const other = { ...target, namespace: "other" };
      expect(problems({ targetRef: target })).toEqual([]);
      expect(problems({ targetRef: other })).toEqual(["Error spec.targetRef.namespace"]);
      expect(problems({ targetRefs: [other] })).toEqual(["Error spec.targetRefs[0].namespace"]);
    },
  );
});
