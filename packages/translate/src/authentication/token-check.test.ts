/** Whom rules for tokens are for, and what becomes of them; what Envoy does with that is shown in test/behaviour. */
import type { TypedExtensionConfig } from "@heddle/envoy/config/core/v3";
import type { FilterChain, Listener } from "@heddle/envoy/config/listener/v3";
import type { JwtAuthentication } from "@heddle/envoy/extensions/filters/http/jwt_authn/v3";
import type { HttpConnectionManager } from "@heddle/envoy/extensions/filters/network/http_connection_manager/v3";
import {
  type JWTRule,
  type MeshObject,
  objectKey,
  type RequestAuthentication,
} from "@heddle/model";
import { describe, expect, test } from "vitest";
import { gateway, object, pod, service, virtualService } from "../../../../test/harness/objects.ts";
import { createTranslator, keySourceName, parseNode, type ProxyView } from "../index.ts";
import { ANY_MESH } from "../testing/mesh.ts";

const FILTER = "envoy.filters.http.jwt_authn";
const KEY = { kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" };
const JWKS = JSON.stringify({ keys: [KEY] });
const ISSUER = "https://issuer.test";

const SIDECAR = parseNode({
  id: "sidecar~10.0.0.1~web.default~default.svc.cluster.local",
  metadata: { LABELS: { app: "web" } },
});
const EDGE = parseNode({
  id: "router~10.0.0.9~edge.default~default.svc.cluster.local",
  metadata: {
    LABELS: { istio: "ingressgateway", "gateway.networking.k8s.io/gateway-name": "edge" },
  },
});

const OBJECTS = [
  pod({ name: "web", address: "10.0.0.1", labels: { app: "web" } }),
  ...service("web", [{ name: "http", port: 80, targetPort: 8080 }], ["10.0.0.1"], {
    clusterIP: "10.1.0.1",
  }),
  gateway("edge", {
    selector: { istio: "ingressgateway" },
    servers: [{ port: { number: 80, name: "http", protocol: "HTTP" }, hosts: ["*"] }],
  }),
  virtualService("edge", {
    hosts: ["*"],
    gateways: ["edge"],
    http: [{ route: [{ destination: { host: "web" } }] }],
  }),
];

function policy(
  name: string,
  rules: readonly JWTRule[],
  of: Partial<RequestAuthentication> = {},
  namespace = "default",
): MeshObject<RequestAuthentication> {
  const spec = { ...of, jwtRules: rules };
  return object("security.istio.io/v1", "RequestAuthentication", name, spec, namespace);
}

function translatorOf(...policies: readonly MeshObject[]) {
  const translator = createTranslator({ mesh: ANY_MESH });
  translator.apply(
    [...OBJECTS, ...policies].map((each) => ({ key: objectKey(each), object: each })),
  );
  return translator;
}

function configOf(view: ProxyView): JwtAuthentication | undefined {
  const found = view.named("extension", FILTER) as TypedExtensionConfig | undefined;
  return found?.typedConfig as JwtAuthentication | undefined;
}

const issuersOf = (view: ProxyView) =>
  Object.values(configOf(view)?.providers ?? {}).map(({ issuer }) => issuer);

function filtersOf({ filterChains = [] }: Listener): readonly (string | undefined)[][] {
  const http = ({ filters = [] }: FilterChain) =>
    filters.flatMap(({ typedConfig }) => {
      const { httpFilters } = (typedConfig ?? {}) as HttpConnectionManager;
      return httpFilters ? [httpFilters.map(({ name }) => name)] : [];
    });
  return filterChains.flatMap(http);
}

const requirement = (rules: readonly JWTRule[]) =>
  configOf(translatorOf(policy("p", rules)).view(SIDECAR))?.rules?.[0]?.requires;

const rule = (issuer: string, more: JWTRule = {}): JWTRule => ({ issuer, jwks: JWKS, ...more });
const missing = { allowMissing: {} };
const valid = (index: number) => ({ providerName: `origins-${index}` });
const any = (...requirements: readonly object[]) => ({ requiresAny: { requirements } });
const all = (...requirements: readonly object[]) => ({ requiresAll: { requirements } });

describe("a RequestAuthentication is for", () => {
  test("workloads of its namespace, those it selects, and of the root namespace for all", () => {
    const translator = translatorOf(
      policy("all", [rule("https://mesh.test")], {}, "istio-system"),
      policy("namespace", [rule("https://namespace.test")]),
      policy("web", [rule("https://web.test")], { selector: { matchLabels: { app: "web" } } }),
      policy("other", [rule("https://other.test")], { selector: { matchLabels: { app: "x" } } }),
      policy("elsewhere", [rule("https://elsewhere.test")], {}, "elsewhere"),
    );
    expect(issuersOf(translator.view(SIDECAR))).toEqual([
      "https://mesh.test",
      "https://namespace.test",
      "https://web.test",
    ]);
    expect(issuersOf(translator.view(EDGE))).toEqual([
      "https://mesh.test",
      "https://namespace.test",
    ]);
  });

  test("the Gateway that it names, and nobody else", () => {
    const targetRefs = [{ group: "gateway.networking.k8s.io", kind: "Gateway", name: "edge" }];
    const translator = translatorOf(policy("edge", [rule(ISSUER)], { targetRefs }));
    expect(issuersOf(translator.view(EDGE))).toEqual([ISSUER]);
    expect(configOf(translator.view(SIDECAR))).toBeUndefined();
  });

  test("proxies that know whom they have it from", () => {
    const view = translatorOf(policy("p", [rule(ISSUER)])).view(SIDECAR);
    const key = "security.istio.io/RequestAuthentication/default/p";
    expect(view.origins("extension", FILTER)).toEqual([key]);
    expect(view.origins("listener", "virtualInbound")).toContain(key);
  });

  test("what comes to a workload, behind CORS and before limits; not for what leaves it", () => {
    const view = translatorOf(policy("p", [rule(ISSUER)])).view(SIDECAR);
    const inbound = filtersOf(view.named("listener", "virtualInbound") as Listener);
    expect(inbound.length).toBeGreaterThan(0);
    for (const names of inbound)
      expect(names.slice(0, 2)).toEqual(["heddle.peer_metadata", FILTER]);
    const outbound = filtersOf(view.named("listener", "0.0.0.0_80") as Listener);
    expect(outbound.flat()).not.toContain(FILTER);
  });

  test("nobody, without rules", () => {
    const view = translatorOf(policy("p", [])).view(SIDECAR);
    expect(configOf(view)).toBeUndefined();
    expect(filtersOf(view.named("listener", "virtualInbound") as Listener).flat()).not.toContain(
      FILTER,
    );
  });
});

describe("what a request needs", () => {
  test("of one issuer: a valid token or none", () => {
    expect(requirement([rule("a")])).toEqual(any(valid(0), missing));
    expect(requirement([rule("a", { presence: "REQUIRED" })])).toEqual(valid(0));
  });

  test("of issuers in the same place: a valid token of any, or none", () => {
    expect(requirement([rule("b"), rule("a")])).toEqual(
      any(valid(0), valid(1), all(any(valid(0), missing), any(valid(1), missing))),
    );
  });

  test("of issuers in different places: each for itself, the first one's claims staying", () => {
    const rules = [rule("a"), rule("b", { fromCookies: ["b"] })];
    expect(requirement(rules)).toEqual(all(any(valid(1), missing), any(valid(0), missing)));
    expect(
      requirement([rules[0] as JWTRule, rule("b", { fromCookies: ["b"], presence: "REQUIRED" })]),
    ).toEqual(all(valid(1), any(valid(0), missing)));
  });

  test("where one issuer's is required, there is no room for another's, which counts elsewhere", () => {
    const required = rule("a", { presence: "REQUIRED" });
    expect(requirement([required, rule("b")])).toEqual(valid(0));
    const b = rule("b", {
      fromHeaders: [{ name: "Authorization", prefix: "Bearer " }, { name: "x-b" }],
      fromCookies: ["b"],
    });
    expect(requirement([required, b])).toEqual(all(any(valid(1), missing), valid(0)));
    const view = translatorOf(policy("p", [required, b])).view(SIDECAR);
    const { fromHeaders, fromCookies } = configOf(view)?.providers?.["origins-1"] ?? {};
    expect([fromHeaders, fromCookies]).toEqual([[{ name: "x-b" }], ["b"]]);
    const half = rule("a", { presence: "REQUIRED", fromParams: ["access_token"] });
    const rest = translatorOf(policy("p", [half, rule("b")])).view(SIDECAR);
    expect(configOf(rest)?.providers?.["origins-1"]).toMatchObject({
      fromHeaders: [{ name: "authorization", valuePrefix: "Bearer " }],
    });
  });
});

describe("keys", () => {
  const source = keySourceName({ url: "https://issuer.test/keys", discovered: false });
  const fetched = policy("p", [{ issuer: ISSUER, jwksUri: "https://issuer.test/keys" }]);
  const keysAt = (view: ProxyView) =>
    configOf(view)?.providers?.["origins-0"]?.localJwks?.inlineString;

  test("that are on their way hold the configuration up; without any, tokens are refused", () => {
    const translator = translatorOf(fetched);
    const view = translator.view(SIDECAR);
    expect(configOf(view)).toBeUndefined();
    translator.setSigningKeys(source, { state: "failed" });
    expect(keysAt(view)).toBe("");
    translator.setSigningKeys(source, { state: "ready", jwks: JWKS });
    expect(keysAt(view)).toBe(JWKS);
  });

  test("change while listeners stay as they are", () => {
    const translator = translatorOf(fetched);
    const view = translator.view(SIDECAR);
    translator.setSigningKeys(source, { state: "ready", jwks: JWKS });
    const before = view.named("listener", "virtualInbound");
    translator.setSigningKeys(source, { state: "ready", jwks: '{"keys":[]}' });
    expect(keysAt(view)).toBe('{"keys":[]}');
    expect(view.named("listener", "virtualInbound")).toBe(before);
  });

  test("that an object brings are handed on without their private parts", () => {
    const jwks = JSON.stringify({ ...KEY, d: "c2VjcmV0", note: "mine" });
    expect(keysAt(translatorOf(policy("p", [{ issuer: ISSUER, jwks }])).view(SIDECAR))).toBe(JWKS);
  });

  test("that nothing says where to find refuse every token", () => {
    expect(keysAt(translatorOf(policy("p", [{ issuer: "me@test" }])).view(SIDECAR))).toBe("");
  });
});

test("a claim is named by its steps where dots are part of a name", () => {
  const outputClaimToHeaders = [
    { header: "x-a", claim: "a.b" },
    { header: "x-c", claim: "[https://c.test/c][d]" },
  ];
  const view = translatorOf(policy("p", [rule("a", { outputClaimToHeaders })])).view(SIDECAR);
  expect(configOf(view)?.providers?.["origins-0"]?.claimToHeaders).toEqual([
    { headerName: "x-a", claimName: "a.b" },
    { headerName: "x-c", claimPath: [{ key: "https://c.test/c" }, { key: "d" }] },
  ]);
});
