/** Attacks by tokens, and on whoever fetches the keys that they are checked with, each by its name; all of them have to fail. */
import { createServer, type RequestListener } from "node:http";
import { generateKeyPairSync } from "node:crypto";
import { createServer as createSecureServer } from "node:https";
import { gzipSync } from "node:zlib";
import { staticBootstrap } from "@heddle/translate";
import { base64url, exportSPKI, importJWK, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fetchKeys } from "../../agent/src/jwks/fetch-keys.ts";
import { createGuard, parseAllowed, serviceNamed } from "../../agent/src/jwks/index.ts";
import { closed, listening } from "../harness/application.ts";
import { createAuthority } from "../harness/certificates.ts";
import { envoyBinary, validate } from "../harness/envoy-process.ts";
import { startedMesh } from "../harness/mesh.ts";
import { object, requestAuthentication, service } from "../harness/objects.ts";
import { type Answer, ask } from "../harness/request.ts";
import { viewOf } from "../harness/world.ts";
import { createIssuerKey, keySet } from "../harness/token-issuer.ts";

/** Where the attacker's server is: allowed, so that what it leads to is what is judged. */
const ATTACKER = "127.239.0.1";
/** A server that only those inside should reach. */
const VICTIM = "127.239.0.9";
const PORT = 8080;
const SERVER = "127.239.0.2";
const SERVICE_PORT = 9080;

describe("whoever writes a policy cannot make the agent", () => {
  const asked: string[] = [];
  let answer: RequestListener;
  const attacker = createServer((request, response) => answer(request, response));
  const victim = createServer((request, response) => {
    asked.push(request.url ?? "");
    response.end('{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}');
  });
  beforeAll(async () => {
    await listening(attacker, ATTACKER, PORT);
    await listening(victim, VICTIM, PORT);
  });
  afterAll(async () => {
    await closed(attacker);
    await closed(victim);
  });

  const services = new Map(
    [
      object("v1", "Service", "outside", {
        type: "ExternalName",
        externalName: VICTIM,
        ports: [{ port: PORT }],
      }),
      object("v1", "Service", "inside", { clusterIP: "10.0.0.7", ports: [{ port: PORT }] }),
    ].map((each) => [`core/Service/default/${each.metadata.name}`, each]),
  );
  const guard = createGuard({
    allowed: parseAllowed([ATTACKER, "named.internal"]),
    isService: serviceNamed(
      (key) => services.get(key),
      () => "cluster.local",
    ),
  });
  /** The code of what comes of it, or `fetched`. */
  const outcome = (
    url: string,
    { discovered = false, addresses = [ATTACKER], within = 2_000 } = {},
  ): Promise<string> => {
    const signal = AbortSignal.timeout(within);
    const resolve = () => Promise.resolve(addresses);
    return fetchKeys({ url, discovered }, { guard, signal, resolve }).then(
      () => "fetched",
      (error: { code: string }) => error.code,
    );
  };
  const base = `http://${ATTACKER}:${PORT}`;
  const inner = `http://${VICTIM}:${PORT}/keys`;
  const leads =
    (location: string): RequestListener =>
    (_, response) =>
      response.writeHead(302, { location }).end();
  const says =
    (body: string | Buffer, headers: Record<string, string> = {}): RequestListener =>
    (_, response) =>
      response.writeHead(200, headers).end(body);

  test.each([
    "http://127.0.0.1/keys",
    "http://localhost@127.0.0.1/keys",
    "http://127.1/keys",
    "http://2130706433/keys",
    "http://0x7f000001/keys",
    "http://0177.0.0.1/keys",
    "http://0/keys",
    "http://[::]/keys",
    "http://[::1]/keys",
    "http://[::ffff:127.0.0.1]/keys",
    "http://[0:0:0:0:0:ffff:7f00:1]/keys",
    "http://[::127.0.0.1]/keys",
    "http://169.254.169.254/latest/meta-data/",
    "http://2852039166/latest/meta-data/",
    "http://[::ffff:a9fe:a9fe]/latest/meta-data/",
    "http://[64:ff9b::a9fe:a9fe]/latest/meta-data/",
    "http://[2002:a9fe:a9fe::]/latest/meta-data/",
    "http://[fe80::1]/keys",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://168.63.129.16/machine",
    "http://100.100.100.200/latest/meta-data/",
    "http://10.0.0.1/keys",
    "http://172.16.0.1/keys",
    "http://192.168.0.1/keys",
    "http://100.64.0.1/keys",
    "http://[fd12::1]/keys",
    "http://224.0.0.1/keys",
    "http://255.255.255.255/keys",
  ])("ask an internal address: %s", async (url) => {
    expect(await outcome(url)).toBe("HDL7292");
  });

  test.each([
    ["a name of somebody's own that leads inside", "http://keys.example.com:8080/keys", VICTIM],
    [
      "a name that leads to what a cloud tells its machines",
      "http://x.example.com/",
      "169.254.169.254",
    ],
    [
      "a name that leads to an IPv4 address in IPv6's clothes",
      "http://x.example.com/",
      "::ffff:10.0.0.1",
    ],
    ["a service that stands for a name outside", "http://outside.default.svc:8080/keys", VICTIM],
    [
      "a service that there is not",
      "http://nobody.default.svc.cluster.local:8080/keys",
      "10.0.0.7",
    ],
    ["a service at a port that it does not have", "http://inside.default.svc:9/keys", "10.0.0.7"],
    [
      "a host that was allowed and leads to the loopback",
      "http://named.internal:8080/keys",
      VICTIM,
    ],
  ])("ask %s", async (_, url, address) => {
    expect(await outcome(url, { addresses: [address] })).toBe("HDL7292");
    expect(asked).toEqual([]);
  });

  test("ask twice what a name means, and connect to the second answer", async () => {
    answer = says(JSON.stringify(keySet(await createIssuerKey("a", "a"))));
    const answers = [[VICTIM, ATTACKER], [VICTIM]];
    let count = 0;
    const found = await fetchKeys(
      { url: `http://rebinding.example.com:${PORT}/keys`, discovered: false },
      {
        ...{ guard, signal: AbortSignal.timeout(2_000) },
        resolve: () => Promise.resolve(answers[count++] ?? []),
      },
    );
    expect([JSON.parse(found.jwks), count, asked]).toMatchObject([{ keys: [{ kid: "a" }] }, 1, []]);
  });

  test("take keys over TLS from somebody else than the host", async () => {
    const { chain, key } = await (await createAuthority()).issue("keys.example.com");
    const impostor = createSecureServer({ cert: chain, key }, (_, response) => response.end("{}"));
    await listening(impostor, ATTACKER, 8443);
    expect(await outcome("https://keys.example.com:8443/keys")).toBe("HDL7290");
    impostor.closeAllConnections();
    impostor.close();
  });

  test.each<[string, RequestListener, code: string, discovered?: boolean]>([
    ["follow a redirect inside", leads(inner), "HDL7292"],
    ["follow a redirect to the cloud's metadata", leads("http://169.254.169.254/"), "HDL7292"],
    ["follow redirects without end", leads("/again"), "HDL7290"],
    ["follow a redirect to a file", leads("file:///etc/passwd"), "HDL7290"],
    ["follow a redirect to another protocol", leads("gopher://example.com/"), "HDL7290"],
    [
      "go where an issuer says its keys are, inside",
      says(JSON.stringify({ jwks_uri: inner })),
      "HDL7292",
      true,
    ],
    [
      "go where an issuer says its keys are, in a file",
      says('{"jwks_uri":"file:///etc/passwd"}'),
      "HDL7290",
      true,
    ],
    ["take what is no key set and show it", says("root:x:0:0"), "HDL7291"],
    ["take a set without keys", says('{"keys":[]}'), "HDL7291"],
    [
      "take a secret that was published",
      says('{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}'),
      "HDL7291",
    ],
    [
      "take 100,000 keys",
      says(JSON.stringify({ keys: Array(100_000).fill({ kty: "x" }) })),
      "HDL7291",
    ],
    [
      "take 101 keys",
      says(JSON.stringify({ keys: Array(101).fill({ kty: "RSA", n: "AQAB", e: "AQAB" }) })),
      "HDL7291",
    ],
    ["take brackets without end", says("[".repeat(400_000)), "HDL7291"],
    ["take a body of 64 MiB", says(Buffer.alloc(64 * 1024 * 1024, "x")), "HDL7291"],
    [
      "unpack a bomb",
      says(gzipSync(Buffer.alloc(32 * 1024 * 1024)), { "content-encoding": "gzip" }),
      "HDL7290",
    ],
    ["take a body without end", endless(0), "HDL7291"],
    ["wait for a body that drips", endless(20), "HDL7290"],
    ["wait for an answer that never begins", () => {}, "HDL7290"],
    [
      "read headers without end",
      (_, response) => void response.socket?.write(`HTTP/1.1 200 OK\r\nx: ${"x".repeat(1 << 20)}`),
      "HDL7290",
    ],
  ])("%s", async (_, listener, code, discovered = false) => {
    answer = listener;
    expect(await outcome(`${base}/start`, { discovered, within: 700 })).toBe(code);
    expect(asked).toEqual([]);
  });
});

test.skipIf(!envoyBinary)(
  "no key that anybody gives an issuer makes a proxy refuse its configuration",
  async () => {
    const rsa = (await createIssuerKey("a", "a", "RS256")).publicJwk;
    const ec = (await createIssuerKey("a", "a", "ES256")).publicJwk;
    const ed = (await createIssuerKey("a", "a", "EdDSA")).publicJwk;
    const sized = (bytes: number, fill = 0xff) => Buffer.alloc(bytes, fill).toString("base64url");
    const keys: readonly object[] = [
      ...[rsa, ec, ed, { ...rsa, e: "Aw", alg: "PS512" }, { ...rsa, n: sized(256) }],
      ...["P-384", "P-521", "secp256k1"].map((namedCurve) =>
        generateKeyPairSync("ec", { namedCurve }).publicKey.export({ format: "jwk" }),
      ),
      ...[
        { ...ec, y: ec.x },
        { ...ec, crv: "P-384" },
        { ...ec, alg: "ES512" },
        { ...ec, x: `AA${ec.x}` },
      ],
      ...[1, 64, 128, 4096, 16_384].map((bytes) => ({ ...rsa, n: sized(bytes) })),
      ...["AQ", "EQ", "AAAA", sized(64)].map((e) => ({ ...rsa, e })),
      ...[
        { ...rsa, n: sized(256, 0xfe) },
        { ...rsa, n: sized(256, 0) },
        { ...rsa, n: `${rsa.n}=` },
      ],
      ...[
        { ...ed, crv: "X25519" },
        { ...ed, x: "AAAA" },
        { ...ed, alg: "Ed25519" },
      ],
      ...[
        { ...rsa, kid: 7 },
        { ...rsa, alg: 7 },
        { ...rsa, use: "enc" },
        { kty: "AKP", pub: "AA" },
        {},
      ],
      ...[
        { kty: "oct", k: "c2VjcmV0" },
        { kty: "oct", k: "c2VjcmV0", alg: "RS256" },
      ],
    ];
    const view = viewOf(
      [
        ...service("server", [{ name: "http", port: SERVICE_PORT }], [SERVER]),
        requestAuthentication("tokens", {
          // Each alone: of a set Envoy takes what it can.
          jwtRules: keys.map((key, index) => ({
            issuer: `https://${index}.test`,
            jwks: JSON.stringify({ keys: [key] }),
          })),
        }),
      ],
      { pod: "server", address: SERVER, labels: { app: "server" } },
    );
    expect(view.resources("extension").size).toBe(1);
    expect(await validate(staticBootstrap(view.proxy, view))).toBe("");
    view.dispose();
  },
);

/** Bytes as long as somebody listens, one piece each so many milliseconds; at 0 as fast as they are taken. */
function endless(every: number): RequestListener {
  return (_, response) => {
    response.writeHead(200);
    const piece = every === 0 ? "x".repeat(64 * 1024) : "x";
    const timer = setInterval(() => response.write(piece), every);
    response.on("close", () => clearInterval(timer));
  };
}

describe.skipIf(!envoyBinary)("a caller cannot be let in with", async () => {
  const ISSUER = "https://issuer.test";
  const OTHER = "https://other.test";
  const [rsa, ec, other, stranger] = await Promise.all([
    createIssuerKey(ISSUER, "rsa", "RS256"),
    createIssuerKey(ISSUER, "ec", "ES256"),
    createIssuerKey(OTHER, "other", "ES256"),
    createIssuerKey(ISSUER, "rsa", "RS256"),
  ]);
  startedMesh({
    workloads: { server: { address: SERVER, ports: [SERVICE_PORT] } },
    objects: [
      ...service("server", [{ name: "http", port: SERVICE_PORT }], [SERVER]),
      requestAuthentication("tokens", {
        jwtRules: [
          {
            issuer: ISSUER,
            audiences: ["shop"],
            jwks: JSON.stringify(keySet(rsa, ec)),
            outputPayloadToHeader: "x-payload",
            outputClaimToHeaders: [{ header: "x-user", claim: "sub" }],
          },
          {
            issuer: OTHER,
            jwks: JSON.stringify(keySet(other)),
            fromHeaders: [{ name: "x-other" }],
            outputClaimToHeaders: [{ header: "x-admin", claim: "admin" }],
          },
        ],
      }),
    ],
  });
  const send = (headers: Record<string, string | string[]>, path = "/", method = "GET") =>
    ask(SERVER, SERVICE_PORT, "server", path, { method, headers });
  const bearer = (token: string) => send({ authorization: `Bearer ${token}` });
  const aud = "shop";
  const good = await rsa.sign({ aud });
  const [, payload = ""] = good.split(".");
  const headed = (header: object, signature: string) =>
    `${base64url.encode(JSON.stringify(header))}.${payload}.${signature}`;
  const keyed = (header: object) => () =>
    new SignJWT({ iss: ISSUER, aud, sub: "root" })
      .setProtectedHeader({ alg: "RS256", kid: "rsa", ...header })
      .setExpirationTime("5m")
      // The stranger's own key, whatever the header says.
      .sign(strangersKey);
  const { publicKey: _, privateKey: strangersKey } = await crypto.subtle.generateKey(
    {
      ...{ name: "RSASSA-PKCS1-v1_5", hash: "SHA-256", modulusLength: 2048 },
      publicExponent: new Uint8Array([1, 0, 1]),
    },
    true,
    ["sign", "verify"],
  );
  const byHmac = async (secret: string) =>
    new SignJWT({ iss: ISSUER, aud, sub: "root" })
      .setProtectedHeader({ alg: "HS256", kid: "rsa" })
      .setExpirationTime("5m")
      .sign(new TextEncoder().encode(secret));
  const now = Math.floor(Date.now() / 1000);

  test("nothing of the below, while a good token is let in", async () => {
    const answer = await bearer(good);
    expect([answer.status, answer.echo().headers["x-user"]]).toEqual([200, "somebody"]);
    expect((await bearer(await ec.sign({ aud }))).status).toBe(200);
    expect((await send({ "x-other": await other.sign() })).status).toBe(200);
  });

  const tokens: Readonly<Record<string, () => string | Promise<string>>> = {
    "alg none and no signature": () => headed({ alg: "none" }, ""),
    "alg none and a signature": () => headed({ alg: "none" }, "c2ln"),
    "alg None": () => headed({ alg: "None" }, "c2ln"),
    "alg nOnE with a key's name": () => headed({ alg: "nOnE", kid: "rsa" }, "c2ln"),
    "no alg": () => headed({ kid: "rsa" }, "c2ln"),
    "HS256 by the public key as PEM": async () =>
      byHmac(await exportSPKI((await importJWK(rsa.publicJwk, "RS256")) as CryptoKey)),
    "HS256 by the public key as JWK": () => byHmac(JSON.stringify(rsa.publicJwk)),
    "HS256 by the public modulus": () => byHmac(rsa.publicJwk.n ?? ""),
    "HS256 by nothing": async () => byHmac(" "),
    "ES256 by a signature of zeros": () =>
      headed({ alg: "ES256", kid: "ec" }, base64url.encode(new Uint8Array(64))),
    "another alg of the same key": () =>
      headed({ alg: "PS256", kid: "rsa" }, good.split(".")[2] ?? ""),
    "a key of its own in the header": keyed({ jwk: stranger.publicJwk }),
    "a URL of its own keys in the header": keyed({ jku: `http://${ATTACKER}/keys` }),
    "a file as the name of the key": keyed({ kid: "../../../../dev/null" }),
    "a stranger's signature under the issuer's name": () => stranger.sign({ aud }),
    "another issuer's signature under this one's name": () => other.sign({ iss: ISSUER, aud }),
    "another issuer's token in this one's place": () => other.sign({ aud }),
    "a name that begins like the issuer's": () => rsa.sign({ iss: `${ISSUER}.example.com`, aud }),
    "no issuer": () => rsa.sign({ iss: undefined, aud }),
    "the signature of another token": async () =>
      [...(await rsa.sign({ aud, sub: "root" })).split(".").slice(0, 2), good.split(".")[2]].join(
        ".",
      ),
    "no signature": () => good.split(".").slice(0, 2).join("."),
    "a token that has expired": () => rsa.sign({ aud, exp: now - 120 }),
    "a token that is not good yet": () => rsa.sign({ aud, nbf: now + 120 }),
    garbage: () => "a.b.c",
    "an encrypted token": () => "a.b.c.d.e",
  };
  test.each(Object.entries(tokens))("%s", async (_name, token) => {
    expect((await bearer(await token())).status).toBe(401);
  });

  const requests: Readonly<Record<string, () => Promise<Answer>>> = {
    "a good token and a bad one in another place": async () =>
      send({ authorization: `Bearer ${good}`, "x-other": "a.b.c" }),
    "a bad token and a good one in another place": async () =>
      send({ authorization: "Bearer a.b.c", "x-other": await other.sign() }),
    "a good token in the header and a bad one in the URL": async () =>
      send({ authorization: `Bearer ${good}` }, "/?access_token=a.b.c"),
    "a bad token in the header and a good one in the URL": async () =>
      send({ authorization: "Bearer a.b.c" }, `/?access_token=${good}`),
    "two tokens in headers of one name": async () =>
      send({ authorization: [`Bearer ${good}`, "Bearer a.b.c"] }),
  };
  test.each(Object.entries(requests))("%s", async (_name, request) => {
    expect((await request()).status).toBe(401);
  });

  test("a token for another audience", async () => {
    expect((await bearer(await rsa.sign({ aud: "other" }))).status).toBe(403);
    expect((await bearer(await rsa.sign({}))).status).toBe(403);
  });

  test("a token without end", async () => {
    expect((await bearer(good + "A".repeat(70_000))).status).toBe(431);
  });

  test("headers that only a token should give, with a token of another issuer", async () => {
    const forged = { "x-user": "root", "x-admin": "true", "X-Payload": "e30" };
    const headersOf = async (answer: Promise<Answer>) => {
      const { headers } = (await answer).echo();
      return ["x-user", "x-admin", "x-payload"].map((name) => headers[name]?.slice(0, 8));
    };
    expect(await headersOf(send(forged))).toEqual([undefined, undefined, undefined]);
    expect(await headersOf(send({ ...forged, "x-other": await other.sign() }))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(await headersOf(send({ ...forged, authorization: `Bearer ${good}` }))).toEqual([
      "somebody",
      undefined,
      payload.slice(0, 8),
    ]);
    const preflight = {
      ...forged,
      origin: "https://a.test",
      "access-control-request-method": "GET",
    };
    expect(await headersOf(send(preflight, "/", "OPTIONS"))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});
