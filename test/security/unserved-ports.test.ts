/** Attacks on ports that a workload listens on and no Service names, by real Envoys: what is guarded is guarded there, too. */
import { Agent } from "node:http";
import type { Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Application, startApplication } from "../harness/application.ts";
import { type Authorizer, startHttpAuthorizer } from "../harness/authorizers.ts";
import { createAuthority } from "../harness/certificates.ts";
import { envoyBinary } from "../harness/envoy-process.ts";
import { connectInto } from "../harness/intercepted.ts";
import { startedMesh } from "../harness/mesh.ts";
import {
  authorizationPolicy,
  meshSettings,
  peerAuthentication,
  requestAuthentication,
  service,
} from "../harness/objects.ts";
import { ask } from "../harness/request.ts";
import { createIssuerKey, keySet } from "../harness/token-issuer.ts";
import { attack } from "./attack.ts";

const ADDRESS = {
  secured: "127.226.0.1",
  loosened: "127.226.0.2",
  denying: "127.226.0.3",
  asking: "127.226.0.4",
  tokens: "127.226.0.5",
} as const;
type Name = keyof typeof ADDRESS;
const ISSUER = "https://issuer.test";
const AUTH = "127.226.0.9";
/** The only port that Services name. */
const SERVED = 9080;
/** No Service names these. */
const UNSERVED = 7070;
const OTHER = 7071;

const only = (app: string) => ({ selector: { matchLabels: { app } } });

describe.skipIf(!envoyBinary)("at a port that no Service names, an attacker", async () => {
  const authority = await createAuthority();
  const issuer = await createIssuerKey(ISSUER, "a");
  const parts: (Application | Authorizer)[] = [];
  startedMesh({
    authority: Promise.resolve(authority),
    workloads: Object.fromEntries(
      Object.entries(ADDRESS).map(([name, address]) => [
        name,
        { address, ports: [SERVED], interception: "REDIRECT" as const },
      ]),
    ),
    objects: [
      ...Object.entries({ ...ADDRESS, auth: AUTH }).flatMap(([name, address]) =>
        service(name, [{ name: "http", port: SERVED }], [address]),
      ),
      peerAuthentication("secured", {
        ...only("secured"),
        mtls: { mode: "DISABLE" },
        portLevelMtls: { [UNSERVED]: { mode: "STRICT" } },
      }),
      peerAuthentication("loosened", {
        ...only("loosened"),
        mtls: { mode: "STRICT" },
        portLevelMtls: { [UNSERVED]: { mode: "DISABLE" } },
      }),
      authorizationPolicy("denying", {
        ...only("denying"),
        action: "DENY",
        rules: [{ to: [{ operation: { paths: ["/admin*"] } }] }],
      }),
      authorizationPolicy("asking", {
        ...only("asking"),
        action: "CUSTOM",
        provider: { name: "auth" },
        rules: [{ to: [{ operation: { paths: ["/asked"] } }] }],
      }),
      requestAuthentication("tokens", {
        ...only("tokens"),
        jwtRules: [{ issuer: ISSUER, jwks: JSON.stringify(keySet(issuer)), presence: "REQUIRED" }],
      }),
      meshSettings({
        extensionProviders: [
          {
            name: "auth",
            envoyExtAuthzHttp: { service: "auth.default.svc.cluster.local", port: SERVED },
          },
        ],
      }),
    ],
  });
  beforeAll(async () => {
    for (const address of Object.values(ADDRESS))
      for (const port of [UNSERVED, OTHER])
        parts.push(await startApplication("application", address, port));
    parts.push(await startHttpAuthorizer("auth", AUTH, SERVED, () => ({ allowed: false })));
  });
  afterAll(() => Promise.all(parts.map((part) => part.stop())));

  /** The status of an answer, or `refused`. */
  const over = (socket: Socket, path: string, headers = {}): Promise<string> => {
    const agent = new Agent();
    agent.createConnection = () => socket;
    return ask("led", 80, "any.test", path, { agent, headers }).then(
      ({ status }) => String(status),
      () => "refused",
    );
  };
  const clear = async (name: Name, path: string, port = UNSERVED, headers = {}) =>
    over(await connectInto(ADDRESS[name], port), path, headers);
  const asPeer = async (name: Name, port = UNSERVED) => {
    const { chain, key } = await authority.issue("spiffe://cluster.local/ns/default/sa/web");
    const options = { cert: chain, key, rejectUnauthorized: false, ALPNProtocols: ["http/1.1"] };
    return over(connectTls({ ...options, socket: await connectInto(ADDRESS[name], port) }), "/");
  };

  attack(
    "speaks in the clear where a PeerAuthentication asks for mutual TLS of that port alone",
    { wants: "an application that only takes peers of the mesh", gets: "refused" },
    () => clear("secured", "/"),
  );
  attack(
    "speaks in the clear beside a port that a PeerAuthentication leaves in the clear",
    { wants: "an application that only takes peers of the mesh", gets: "refused" },
    () => clear("loosened", "/", OTHER),
  );
  attack(
    "asks for a path that is denied",
    { wants: "what a DENY by path keeps from everybody", gets: "403" },
    () => clear("denying", "/admin/keys"),
  );
  attack(
    "asks for what a server has to be asked about",
    { wants: "an answer past the server that decides", gets: "403" },
    () => clear("asking", "/asked"),
  );
  attack(
    "comes without the token that is required",
    { wants: "an application that only takes those with a token", gets: "401" },
    () => clear("tokens", "/"),
  );
  attack(
    "comes with a token that nobody signed",
    { wants: "to be taken for whom the token says", gets: "401" },
    () => clear("tokens", "/", UNSERVED, { authorization: "Bearer e30.e30." }),
  );

  test("others are served there as PeerAuthentication and policies have it", async () => {
    expect(await asPeer("secured")).toBe("200");
    expect(await clear("secured", "/", OTHER)).toBe("200");
    expect(await clear("loosened", "/")).toBe("200");
    expect(await asPeer("loosened", OTHER)).toBe("200");
    expect(await clear("denying", "/public")).toBe("200");
    expect(await clear("asking", "/free")).toBe("200");
    const authorization = `Bearer ${await issuer.sign()}`;
    expect(await clear("tokens", "/", UNSERVED, { authorization })).toBe("200");
  });
});
