/** Everything that an AuthorizationPolicy may ask of: a rule for each, which denies a path of its own. */
import { encode } from "@heddle/envoy";
import type { AuthorizationRule } from "@heddle/model";
import { describe, expect } from "vitest";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { authorizationPolicy, object, service } from "../../harness/objects.ts";
import { ask, type Asking } from "../../harness/request.ts";
import { proves } from "../proves.ts";

const WEB = "127.222.0.1";
const FAR = "127.222.0.2";
const SERVER = "127.222.0.3";
const PORT = 9080;
const OTHER_PORT = 9081;
/** Of clients that are no part of the mesh. */
const NEAR = "127.222.8.1";
const AWAY = "127.222.9.1";

/** Each denies requests to `/<name>` that it matches. */
const RULES: Readonly<Record<string, AuthorizationRule>> = {
  principals: { from: [{ source: { principals: ["cluster.local/ns/default/sa/web"] } }] },
  notPrincipals: { from: [{ source: { notPrincipals: ["*/sa/web"] } }] },
  namespaces: { from: [{ source: { namespaces: ["f*"] } }] },
  notNamespaces: { from: [{ source: { notNamespaces: ["far"] } }] },
  serviceAccounts: { from: [{ source: { serviceAccounts: ["web", "far/nobody"] } }] },
  notServiceAccounts: { from: [{ source: { notServiceAccounts: ["far/caller"] } }] },
  trustDomains: { from: [{ source: { trustDomains: ["cluster.*"] } }] },
  notTrustDomains: { from: [{ source: { notTrustDomains: ["cluster.local"] } }] },
  ipBlocks: { from: [{ source: { ipBlocks: ["127.222.9.0/24"] } }] },
  notIpBlocks: { from: [{ source: { notIpBlocks: ["127.222.9.1"] } }] },
  remoteIpBlocks: { from: [{ source: { remoteIpBlocks: ["203.0.113.0/24"] } }] },
  notRemoteIpBlocks: { from: [{ source: { notRemoteIpBlocks: ["203.0.113.7"] } }] },
  requestPrincipals: { from: [{ source: { requestPrincipals: ["https://issuer.test/*"] } }] },
  notRequestPrincipals: { from: [{ source: { notRequestPrincipals: ["*/ann"] } }] },
  hosts: { to: [{ operation: { hosts: ["*.shop.test"] } }] },
  notHosts: { to: [{ operation: { notHosts: ["WWW.shop.test"] } }] },
  methods: { to: [{ operation: { methods: ["DELETE", "P*"] } }] },
  notMethods: { to: [{ operation: { notMethods: ["GET"] } }] },
  ports: { to: [{ operation: { ports: [String(OTHER_PORT)] } }] },
  notPorts: { to: [{ operation: { notPorts: [String(OTHER_PORT)] } }] },
  template: { to: [{ operation: { paths: ["/template/{*}/of/{**}"] } }] },
  suffix: { to: [{ operation: { paths: ["*/suffix/secret"] } }] },
  prefix: { to: [{ operation: { paths: ["/prefix/secret*"] } }] },
  notPaths: { to: [{ operation: { notPaths: ["/notPaths/open*"], paths: ["/notPaths*"] } }] },
};

/** Each is a condition for requests to `/<name>`. */
const CONDITIONS: Readonly<Record<string, readonly [string, "values" | "notValues", string[]]>> = {
  header: ["request.headers[X-Team]", "values", ["a", "b-*", "*-c"]],
  "no-header": ["request.headers[x-team]", "notValues", ["*"]],
  "source-ip": ["source.ip", "values", ["127.222.9.0/24"]],
  "remote-ip": ["remote.ip", "values", ["203.0.113.7"]],
  "source-namespace": ["source.namespace", "values", ["far"]],
  "source-account": ["source.serviceAccount", "values", ["far/caller"]],
  "source-domain": ["source.trustDomain", "values", ["*"]],
  "source-principal": ["source.principal", "values", ["cluster.local/ns/far/*"]],
  "destination-ip": ["destination.ip", "values", [SERVER]],
  "destination-port": ["destination.port", "values", [String(OTHER_PORT)]],
  "token-principal": ["request.auth.principal", "values", ["https://issuer.test/ann"]],
  "token-audience": ["request.auth.audiences", "values", ["shop"]],
  "token-presenter": ["request.auth.presenter", "values", ["app"]],
  "token-claim": ["request.auth.claims[groups]", "values", ["admin", "*-admin"]],
  "token-nested": ["request.auth.claims[realm][roles]", "values", ["buyer"]],
  metadata: ["experimental.envoy.filters.http.test[kind]", "values", ["gold"]],
  sni: ["connection.sni", "values", ["outbound_.9080_._.server.default.svc.cluster.local"]],
};

/** What a filter for tokens would leave behind, told by a header. */
const METADATA = object("networking.istio.io/v1alpha3", "EnvoyFilter", "metadata", {
  workloadSelector: { labels: { app: "server" } },
  configPatches: [
    {
      applyTo: "HTTP_FILTER",
      match: {
        context: "SIDECAR_INBOUND",
        listener: {
          filterChain: {
            filter: {
              name: "envoy.filters.network.http_connection_manager",
              subFilter: { name: "envoy.filters.http.rbac" },
            },
          },
        },
      },
      patch: {
        operation: "INSERT_BEFORE",
        value: {
          name: "metadata",
          typed_config: {
            "@type":
              "type.googleapis.com/envoy.extensions.filters.http.header_to_metadata.v3.Config",
            request_rules: [
              ["x-claims", "envoy.filters.http.jwt_authn", "payload"],
              ["x-kind", "envoy.filters.http.test", "kind"],
            ].map(([header, metadata_namespace, key]) => ({
              header,
              on_header_present: {
                ...{ metadata_namespace, key },
                ...{ type: "PROTOBUF_VALUE", encode: "BASE64" },
              },
            })),
          },
        },
      },
    },
  ],
});

const carried = (value: unknown) =>
  Buffer.from(encode("google.protobuf.Value", value as object)).toString("base64");
const claims = (payload: object): Asking => ({ headers: { "x-claims": carried(payload) } });

describe.skipIf(!envoyBinary)("what an AuthorizationPolicy asks of", () => {
  const onPath = (name: string, rule: AuthorizationRule): AuthorizationRule => {
    const [to] = rule.to ?? [{}];
    const paths = to?.operation?.paths ?? [`/${name}`];
    return { ...rule, to: [{ operation: { ...to?.operation, paths } }] };
  };
  const mesh = startedMesh({
    workloads: {
      web: { address: WEB },
      caller: { address: FAR, namespace: "far" },
      server: { address: SERVER, ports: [PORT, OTHER_PORT] },
    },
    objects: [
      ...service(
        "server",
        [
          { name: "http", port: PORT },
          { name: "http-other", port: OTHER_PORT },
        ],
        [SERVER],
      ),
      METADATA,
      authorizationPolicy("attributes", {
        selector: { matchLabels: { app: "server" } },
        action: "DENY",
        rules: [
          ...Object.entries(RULES).map(([name, rule]) => onPath(name, rule)),
          ...Object.entries(CONDITIONS).map(([name, [key, field, values]]) =>
            onPath(name, { when: [{ key, [field]: values }] }),
          ),
        ],
      }),
    ],
  });

  const HOST = `server.default:${PORT}`;
  const web = async (path: string, asking: Asking = {}, host = HOST) =>
    (await mesh.get("web", host, path, asking)).status;
  const far = async (path: string, asking: Asking = {}) =>
    (await mesh.get("caller", HOST, path, asking)).status;
  /** In the clear, past the mesh. */
  const plain = async (path: string, localAddress = NEAR, asking: Asking = {}, port = PORT) =>
    (await ask(SERVER, port, "www.shop.test", path, { localAddress, ...asking })).status;

  const source = "rules[].from[].source";
  proves(
    "AuthorizationPolicy",
    [
      `${source}.{principals,notPrincipals,namespaces,notNamespaces}`,
      `${source}.{serviceAccounts,notServiceAccounts,trustDomains,notTrustDomains}`,
    ],
    "of who calls, by the certificate: whole names, by prefix or suffix, none of some",
    async () => {
      const callers = async (path: string) => [await web(path), await far(path), await plain(path)];
      expect(await callers("/principals")).toEqual([403, 200, 200]);
      // In the clear there is nobody who could be known as anybody.
      expect(await callers("/notPrincipals")).toEqual([200, 403, 403]);
      expect(await callers("/namespaces")).toEqual([200, 403, 200]);
      expect(await callers("/notNamespaces")).toEqual([403, 200, 403]);
      expect(await callers("/serviceAccounts")).toEqual([403, 200, 200]);
      expect(await callers("/notServiceAccounts")).toEqual([403, 200, 403]);
      expect(await callers("/trustDomains")).toEqual([403, 403, 200]);
      expect(await callers("/notTrustDomains")).toEqual([200, 200, 403]);
    },
  );

  proves(
    "AuthorizationPolicy",
    [`${source}.{ipBlocks,notIpBlocks,remoteIpBlocks,notRemoteIpBlocks}`],
    "of where a connection comes from, and of where its client is, as x-forwarded-for has it",
    async () => {
      const told = { headers: { "x-forwarded-for": "203.0.113.7" } };
      expect([await plain("/ipBlocks", AWAY), await plain("/ipBlocks")]).toEqual([403, 200]);
      expect([await plain("/notIpBlocks", AWAY), await plain("/notIpBlocks")]).toEqual([200, 403]);
      expect(await plain("/ipBlocks", NEAR, { headers: { "x-forwarded-for": AWAY } })).toBe(200);
      expect(await plain("/remoteIpBlocks", NEAR, told)).toBe(403);
      expect(await plain("/remoteIpBlocks")).toBe(200);
      expect(await plain("/notRemoteIpBlocks", NEAR, told)).toBe(200);
      expect(await plain("/notRemoteIpBlocks")).toBe(403);
    },
  );

  proves(
    "AuthorizationPolicy",
    [`${source}.{requestPrincipals,notRequestPrincipals}`],
    "of issuer and subject of a request's token",
    async () => {
      const ann = claims({ iss: "https://issuer.test", sub: "ann" });
      const bob = claims({ iss: "https://other.test", sub: "bob" });
      expect([await web("/requestPrincipals", ann), await web("/requestPrincipals", bob)]).toEqual([
        403, 200,
      ]);
      expect(await web("/requestPrincipals")).toBe(200);
      expect(await web("/notRequestPrincipals", ann)).toBe(200);
      expect(await web("/notRequestPrincipals", bob)).toBe(403);
      expect(await web("/notRequestPrincipals")).toBe(403);
    },
  );

  const operation = "rules[].to[].operation";
  proves(
    "AuthorizationPolicy",
    [`${operation}.{hosts,notHosts,methods,notMethods,ports,notPorts,paths,notPaths}`],
    "of host, method, port and path; hosts in either case, paths without the query, and by templates",
    async () => {
      expect(await plain("/hosts")).toBe(403);
      expect((await ask(SERVER, PORT, "shop.test", "/hosts")).status).toBe(200);
      expect(await plain("/notHosts")).toBe(200);
      expect((await ask(SERVER, PORT, "shop.test", "/notHosts")).status).toBe(403);
      const methods = (path: string) =>
        Promise.all(["GET", "PUT", "DELETE"].map((method) => web(path, { method })));
      expect(await methods("/methods")).toEqual([200, 403, 403]);
      expect(await methods("/notMethods")).toEqual([200, 403, 403]);
      const other = `server.default:${OTHER_PORT}`;
      expect([await web("/ports"), await web("/ports", {}, other)]).toEqual([200, 403]);
      expect([await web("/notPorts"), await web("/notPorts", {}, other)]).toEqual([403, 200]);
      const paths = {
        "/template/one/of/a/b?q=1": 403,
        "/template/one/two/of/a": 200,
        "/a/suffix/secret": 403,
        "/a/suffix/secret?x=y": 403,
        "/a/suffix/secrets": 200,
        "/prefix/secrets": 403,
        "/prefix/": 200,
        "/notPaths/open/a": 200,
        "/notPaths/else": 403,
      };
      for (const [path, status] of Object.entries(paths))
        expect([path, await web(path)]).toEqual([path, status]);
    },
  );

  proves(
    "AuthorizationPolicy",
    ["rules[].when[].{key,values,notValues}"],
    "of every attribute that a condition may name",
    async () => {
      const team = (value: string) => ({ headers: { "x-team": value } });
      for (const value of ["a", "b-1", "1-c"]) expect(await web("/header", team(value))).toBe(403);
      for (const value of ["b", "c-1", ""]) expect(await web("/header", team(value))).toBe(200);
      expect([await web("/no-header"), await web("/no-header", team("a"))]).toEqual([403, 200]);
      expect([await plain("/source-ip", AWAY), await plain("/source-ip")]).toEqual([403, 200]);
      const told = { headers: { "x-forwarded-for": "203.0.113.7" } };
      expect([await plain("/remote-ip", NEAR, told), await plain("/remote-ip")]).toEqual([
        403, 200,
      ]);
      for (const path of ["/source-namespace", "/source-account", "/source-principal"])
        expect([path, await far(path), await web(path)]).toEqual([path, 403, 200]);
      expect([await web("/source-domain"), await plain("/source-domain")]).toEqual([403, 200]);
      expect(await web("/destination-ip")).toBe(403);
      const other = `server.default:${OTHER_PORT}`;
      expect([await web("/destination-port"), await web("/destination-port", {}, other)]).toEqual([
        200, 403,
      ]);
      expect([await web("/sni"), await web("/sni", {}, other)]).toEqual([403, 200]);
      const token = (path: string, payload: object) => web(path, claims(payload));
      const ann = { iss: "https://issuer.test", sub: "ann" };
      expect(await token("/token-principal", ann)).toBe(403);
      expect(await token("/token-principal", { ...ann, sub: "bob" })).toBe(200);
      expect(await token("/token-audience", { aud: "shop" })).toBe(403);
      expect(await token("/token-audience", { aud: ["other", "shop"] })).toBe(403);
      expect(await token("/token-audience", { aud: ["other"] })).toBe(200);
      expect(await token("/token-presenter", { azp: "app" })).toBe(403);
      expect(await token("/token-presenter", { azp: "other" })).toBe(200);
      expect(await token("/token-claim", { groups: ["x", "shop-admin"] })).toBe(403);
      expect(await token("/token-claim", { groups: "user" })).toBe(200);
      expect(await token("/token-nested", { realm: { roles: ["buyer"] } })).toBe(403);
      expect(await token("/token-nested", { roles: ["buyer"] })).toBe(200);
      const kind = (value: string) => ({ headers: { "x-kind": carried(value) } });
      expect(await web("/metadata", kind("gold"))).toBe(403);
      expect(await web("/metadata", kind("tin"))).toBe(200);
    },
  );
});
