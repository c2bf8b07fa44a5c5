/** What decides over a request, stage by stage; that rules are judged as Envoy does is shown in test/oracle/authorization. */
import type { AccessQuestion, AuthorizationPolicy, MeshObject } from "@heddle/model";
import { objectKey } from "@heddle/model";
import { describe, expect, test } from "vitest";
import {
  authorizationPolicy,
  object,
  peerAuthentication,
  pod,
  service,
} from "../../../../test/harness/objects.ts";
import { createTranslator, parseNode } from "../index.ts";
import { ANY_MESH } from "../testing/mesh.ts";
import { normalizedPath } from "./normalized-path.ts";

const SIDECAR = parseNode({
  id: "sidecar~10.0.0.1~web.default~default.svc.cluster.local",
  metadata: { LABELS: { app: "web" } },
});
const PORTS = [
  { name: "http", port: 80, targetPort: 8080 },
  { name: "tcp-db", port: 5432 },
];
const OBJECTS = [
  pod({ name: "web", address: "10.0.0.1", labels: { app: "web" } }),
  ...service("web", PORTS, ["10.0.0.1"], { clusterIP: "10.1.0.1" }),
];
const CALLER = "spiffe://cluster.local/ns/default/sa/shop";

function explain(
  objects: readonly MeshObject[],
  question: Partial<AccessQuestion> = {},
  mesh = ANY_MESH,
) {
  const translator = createTranslator({ mesh });
  translator.apply(
    [...OBJECTS, ...objects].map((each) => ({ key: objectKey(each), object: each })),
  );
  const known = { method: "GET", path: "/", host: "web", headers: {}, claims: null };
  return translator.explain(SIDECAR, { port: 80, principal: CALLER, ...known, ...question });
}

/** What decides, and how it comes out. */
function decided(...args: Parameters<typeof explain>): string {
  const { outcome, decidedBy, steps } = explain(...args);
  return `${outcome}${decidedBy === undefined ? "" : ` by ${steps[decidedBy]?.check}`}`;
}

const allow = (rules: AuthorizationPolicy["rules"]) =>
  authorizationPolicy("allow", { ...(rules ? { rules } : {}) });
const strict = peerAuthentication("strict", { mtls: { mode: "STRICT" } });
const token = (rule: object) =>
  object("security.istio.io/v1", "RequestAuthentication", "tokens", {
    jwtRules: [{ issuer: "https://issuer.test", jwks: "{}", ...rule }],
  });
const validation = (spec: object) => object("heddle.dev/v1", "RequestValidation", "checks", spec);

test("a request to a workload without policies passes, and the port is the workload's own", () => {
  expect(explain([])).toMatchObject({ outcome: "passes", layer: "http", port: 8080 });
  expect(explain([], { port: 5432 })).toMatchObject({ layer: "tcp", port: 5432 });
});

describe("mutual TLS", () => {
  test("asked for alone refuses plaintext and other meshes, and depends on a caller who is not known", () => {
    expect(decided([strict], { principal: null })).toBe("refused by mutual TLS");
    expect(decided([], { principal: null })).toBe("passes");
    expect(decided([strict], { principal: "spiffe://other.test/ns/a/sa/b" })).toBe(
      "refused by mutual TLS",
    );
    expect(decided([strict], { principal: undefined })).toBe("depends by mutual TLS");
  });

  test("takes identities of a trust domain that the mesh federates with", () => {
    const other = { principal: "spiffe://other.test/ns/a/sa/b" };
    const federated = { ...ANY_MESH, federatedTrustDomains: ["other.test"] };
    expect(decided([strict], other, federated)).toBe("passes");
    expect(decided([strict], { principal: "spiffe://third.test/ns/a/sa/b" }, federated)).toBe(
      "refused by mutual TLS",
    );
  });

  test("names the policy that says so, for a port the narrowest", () => {
    const narrow = peerAuthentication("web", {
      selector: { matchLabels: { app: "web" } },
      portLevelMtls: { "5432": { mode: "DISABLE" } },
    });
    const policyAt = (port: number) => explain([strict, narrow], { port }).steps[0]?.objects;
    expect(policyAt(80)).toEqual(["security.istio.io/PeerAuthentication/default/strict"]);
    expect(policyAt(5432)).toEqual(["security.istio.io/PeerAuthentication/default/web"]);
    expect(explain([]).steps[0]?.objects).toEqual([]);
  });

  test("that is not looked into leaves nobody an identity", () => {
    const off = peerAuthentication("off", { mtls: { mode: "DISABLE" } });
    const rule = { from: [{ source: { principals: ["*"] } }] };
    expect(decided([allow([rule])])).toBe("passes");
    expect(decided([off, allow([rule])])).toBe("refused by allow");
  });
});

describe("a RequestValidation", () => {
  const checks = validation({
    limits: { urlBytes: 20, headers: 2 },
    paths: { escapedSlashes: "REFUSE" },
    rules: [
      {
        name: "up",
        match: { path: { prefix: "/up" } },
        methods: ["PUT"],
        contentTypes: ["application/json"],
        maxBodyBytes: 10,
      },
    ],
  });
  test.each<[string, Partial<AccessQuestion>, string]>([
    ["nothing", {}, "passes"],
    ["limits.urlBytes", { path: "/long?12345678901234567" }, "414"],
    ["limits.headers", { headers: { a: "1", b: "2", c: "3" } }, "431"],
    ["paths.escapedSlashes", { path: "/a%2Fb" }, "400"],
    ["rules[up].methods", { path: "/up/x" }, "405"],
    ["rules[up].contentTypes", { method: "PUT", path: "/up?a" }, "415"],
    [
      "rules[up].maxBodyBytes",
      {
        ...{ method: "PUT", path: "/up" },
        headers: { "content-type": "application/json", "content-length": "11" },
      },
      "413",
    ],
    [
      "nothing",
      {
        ...{ method: "PUT", path: "/up" },
        headers: { "content-type": "Application/JSON; charset=utf-8", "content-length": "9" },
      },
      "passes",
    ],
    ["depends", { headers: undefined }, "depends"],
  ])("refuses by %s", (place, question, how) => {
    const { outcome, steps } = explain([checks], question);
    const step = steps.find(({ check }) => check === "request validation");
    if (/^\d/.test(how)) {
      expect(outcome).toBe("refused");
      expect(step?.reason).toContain(`refuses it by ${place}: ${how}.`);
    } else expect(outcome).toBe(how);
  });

  test("that reports refuses nothing, and says what it would", () => {
    const reports = validation({ mode: "REPORT", limits: { urlBytes: 1 } });
    const { outcome, steps } = explain([reports], { path: "/long" });
    expect(outcome).toBe("passes");
    expect(steps[1]).toMatchObject({ dryRun: true, outcome: "refused" });
  });
});

describe("a token", () => {
  const claims = { iss: "https://issuer.test", sub: "alice", aud: "shop", scope: "read write" };
  test("that has to be there, is of another issuer, or for somebody else, refuses", () => {
    expect(decided([token({})])).toBe("passes");
    expect(decided([token({ presence: "REQUIRED" })])).toBe("refused by request authentication");
    expect(decided([token({})], { claims: { iss: "https://other.test" } })).toBe(
      "refused by request authentication",
    );
    expect(decided([token({ audiences: ["pay"] })], { claims })).toBe(
      "refused by request authentication",
    );
    expect(decided([token({ audiences: ["pay", "shop"] })], { claims })).toBe("passes");
    expect(decided([token({})], { claims: undefined })).toBe("depends by request authentication");
  });

  test("counts for rules only where somebody reads it, a scope as the list that it is", () => {
    const alice = allow([
      {
        from: [{ source: { requestPrincipals: ["https://issuer.test/alice"] } }],
        when: [{ key: "request.auth.claims[scope]", values: ["write"] }],
      },
    ]);
    expect(decided([alice, token({})], { claims })).toBe("passes");
    expect(decided([alice, token({})])).toBe("refused by allow");
    expect(decided([alice], { claims })).toBe("refused by allow");
    expect(decided([alice], { claims: undefined })).toBe("refused by allow");
  });
});

describe("policies", () => {
  test("where none allows, name what the rule that comes nearest lacks", () => {
    const readers = allow([
      { from: [{ source: { namespaces: ["far"] } }], to: [{ operation: { methods: ["PUT"] } }] },
      { from: [{ source: { namespaces: ["default"] } }], to: [{ operation: { paths: ["/a"] } }] },
    ]);
    const step = explain([readers]).steps.at(-1);
    expect(step).toMatchObject({
      check: "allow",
      outcome: "refused",
      objects: ["security.istio.io/AuthorizationPolicy/default/allow"],
      rules: [
        {
          rule: 1,
          missing: [{ field: "operation.paths", wants: ["/a"], has: ["/"] }],
        },
        { rule: 0, missing: [{ field: "source.namespaces" }, { field: "operation.methods" }] },
      ],
    });
    expect(step?.remedy).toContain("change operation.paths of rule 1 of default/allow");
  });

  test("that are for others say nothing; those of the root namespace count, DENY first", () => {
    const others = { selector: { matchLabels: { app: "other" } } };
    expect(decided([authorizationPolicy("p", { ...others })])).toBe("passes");
    const root = authorizationPolicy("root", { action: "DENY", rules: [{}] }, "istio-system");
    expect(decided([root, allow([{}])])).toBe("refused by deny");
    expect(decided([allow(undefined)])).toBe("refused by allow");
  });

  test("of action CUSTOM are refused where there is no server, before tokens are read", () => {
    const custom = authorizationPolicy("ask", {
      ...{ action: "CUSTOM", provider: { name: "auth" } },
      rules: [{ to: [{ operation: { paths: ["/admin*"] } }] }],
    });
    expect(decided([custom, token({ presence: "REQUIRED" })], { path: "/admin" })).toBe(
      "refused by custom authorization",
    );
    expect(decided([custom])).toBe("passes");
  });

  test("that ask connections for a path: an ALLOW is left out, a DENY is for all of them", () => {
    const rules = [{ to: [{ operation: { paths: ["/a"] } }] }];
    expect(decided([allow(rules)], { port: 5432 })).toBe("refused by allow");
    const { steps } = explain([authorizationPolicy("deny", { action: "DENY", rules })], {
      port: 5432,
    });
    expect(steps.at(-1)).toMatchObject({
      outcome: "refused",
      rules: [{ unjudged: ["operation.paths"] }],
    });
    expect(steps.at(-1)?.reason).toContain("Connections have no operation.paths");
  });

  test("that are tried out decide nothing", () => {
    const tried = authorizationPolicy("tried", { action: "DENY", rules: [{}] });
    const annotated = {
      ...tried,
      metadata: { ...tried.metadata, annotations: { "istio.io/dry-run": "true" } },
    };
    const { outcome, steps } = explain([annotated]);
    expect(outcome).toBe("passes");
    expect(steps.at(-1)).toMatchObject({ check: "deny", dryRun: true, outcome: "refused" });
  });
});

describe("a path is judged as the proxy rewrites it", () => {
  test.each([
    ["/a/../secret?x=/../y", "sidecar", undefined, "/secret?x=/../y"],
    ["/a/%2e%2e/secret", "sidecar", undefined, "/secret"],
    ["//secret/%2Fx", "sidecar", undefined, "//secret/%2Fx"],
    ["//secret/%2Fx", "router", undefined, "/secret/x"],
    ["//secret", "sidecar", { paths: { mergeSlashes: true } }, "/secret"],
    ["/a%5cb", "sidecar", { paths: { escapedSlashes: "DECODE" } }, "/a/b"],
    ["//a", "sidecar", { mode: "REPORT", paths: { mergeSlashes: true } }, "//a"],
  ] as const)("%s at a %s", (path, type, spec, seen) =>
    expect(normalizedPath(path, type, spec)).toBe(seen),
  );
});
