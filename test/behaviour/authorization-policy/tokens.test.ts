/** AuthorizationPolicies that go by what a RequestAuthentication has verified, and a server that gives the token. */
import { afterAll, beforeAll, describe, expect } from "vitest";
import { type Authorizer, startHttpAuthorizer } from "../../harness/authorizers.ts";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import {
  authorizationPolicy,
  meshSettings,
  requestAuthentication,
  service,
} from "../../harness/objects.ts";
import { ask } from "../../harness/request.ts";
import { createIssuerKey, keySet } from "../../harness/token-issuer.ts";
import { proves } from "../proves.ts";

const SERVER = "127.225.0.1";
const AUTH = "127.225.0.2";
const PORT = 9080;
const ISSUER = "https://issuer.test";

describe.skipIf(!envoyBinary)("an AuthorizationPolicy and tokens", async () => {
  const key = await createIssuerKey(ISSUER, "one");
  const bearer = async (sub: string, claims = {}) =>
    `Bearer ${await key.sign({ sub, groups: ["reader"], ...claims })}`;
  let authorizer: Authorizer | undefined;
  beforeAll(async () => {
    const authorization = await bearer("ann");
    // Who has a session is given a token, and nobody is refused.
    authorizer = await startHttpAuthorizer("sessions", AUTH, PORT, ({ headers }) => ({
      allowed: true,
      ...(headers["x-session"] === "ann" ? { headers: { authorization } } : {}),
    }));
  });
  afterAll(() => authorizer?.stop());

  startedMesh({
    workloads: { server: { address: SERVER, ports: [PORT] } },
    objects: [
      meshSettings({
        extensionProviders: [
          {
            name: "sessions",
            envoyExtAuthzHttp: {
              ...{ service: "sessions.default.svc.cluster.local", port: PORT },
              includeRequestHeadersInCheck: ["x-session"],
              headersToUpstreamOnAllow: ["authorization"],
            },
          },
        ],
      }),
      ...service("server", [{ name: "http", port: PORT }], [SERVER]),
      ...service("sessions", [{ name: "http", port: PORT }], [AUTH]),
      requestAuthentication("tokens", {
        jwtRules: [{ issuer: ISSUER, jwks: JSON.stringify(keySet(key)) }],
      }),
      authorizationPolicy("sessions", {
        action: "CUSTOM",
        provider: { name: "sessions" },
        rules: [{ to: [{ operation: { paths: ["/session*"] } }] }],
      }),
      authorizationPolicy("readers", {
        rules: [
          {
            from: [{ source: { requestPrincipals: [`${ISSUER}/ann`] } }],
            when: [{ key: "request.auth.claims[groups]", values: ["reader"] }],
          },
        ],
      }),
    ],
  });
  const status = async (path: string, headers: Record<string, string>) =>
    (await ask(SERVER, PORT, "shop.test", path, { headers })).status;

  proves(
    "AuthorizationPolicy",
    ["rules[].from[].source.requestPrincipals", "rules[].when[].key"],
    "requires a token, and goes by its issuer, its subject and its claims",
    async () => {
      expect(await status("/", {})).toBe(403);
      expect(await status("/", { authorization: await bearer("ann") })).toBe(200);
      expect(await status("/", { authorization: await bearer("bob") })).toBe(403);
      const without = await bearer("ann", { groups: ["writer"] });
      expect(await status("/", { authorization: without })).toBe(403);
    },
  );

  proves(
    "AuthorizationPolicy",
    ["action=CUSTOM"],
    "asks its server before the token is read, so that the server may be the one that gives it",
    async () => {
      expect(await status("/session", { "x-session": "ann" })).toBe(200);
      expect(await status("/session", { "x-session": "nobody" })).toBe(403);
      expect(await status("/", { "x-session": "ann" })).toBe(403);
    },
  );
});
