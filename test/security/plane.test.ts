/** Attacks on the plane's interface: by tokens, certificate requests, documents, and requests that are not what they seem. */
import "reflect-metadata";
import { X509Certificate } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { tokens } from "@heddle/db";
import { createRequest, generateKeyPair } from "@heddle/pki";
import { acceptBundle, emptyState, encodeBundle, headOf, parseBundle } from "@heddle/sync";
import * as x509 from "@peculiar/x509";
import { afterAll, beforeAll, describe } from "vitest";
import { consoleFiles } from "../../apps/api/src/node/console-files.ts";
import { attachSync } from "../../apps/api/src/sync/attach-sync.ts";
import { createInProcessRooms } from "../../apps/api/src/sync/in-process-rooms.ts";
import { createTenant } from "../../apps/api/src/tenancy/service.ts";
import { rule } from "../../apps/api/src/testing/planes.ts";
import { createTestPlane, type TestPlane } from "../../apps/api/src/testing/test-plane.ts";
import { testHistory } from "../../packages/sync/src/testing/history.ts";
import { attack } from "./attack.ts";

const P256 = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const OWN = "spiffe://own.example/ns/shop/sa/web";
const SECRET = "what another tenant has written";

let plane: TestPlane;
/** Of another tenant, who has a mesh of the same name. */
let victim: { readonly token: string; readonly tenant: string; readonly mesh: string };
let agentToken: string;

beforeAll(async () => {
  plane = await createTestPlane();
  await plane.client.createMesh({ name: "own", trustDomain: "own.example" });
  await plane.client.createMesh({ name: "other", trustDomain: "other.example" });
  const theirs = await createTenant(plane.deps, "victim");
  const client = plane.as(theirs.token);
  const { id } = await client.createMesh({ name: "own" });
  await client.createMesh({ name: "private" });
  await client.apply("own", { objects: [rule("theirs")], message: SECRET });
  victim = { ...theirs, mesh: id };
  const { token } = await plane.client.createJoinToken("own", { name: "agent" });
  ({ token: agentToken } = await plane.client.enroll({ joinToken: token, name: "agent" }));
});
afterAll(() => plane?.close());

interface Request {
  readonly token?: string | undefined;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

function send(to: string, { token, method = "GET", headers = {}, body }: Request = {}) {
  return plane.app.request(to, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
}

/** The status, and the code of the problem where it is one. */
async function outcome(answer: Response | Promise<Response>): Promise<string> {
  const { status, body } = await answer;
  const text = body === null ? "" : await new Response(body).text();
  if (text.includes(SECRET)) return "shows another tenant's";
  const code = /"code":"(HDL\d+)"/.exec(text)?.[1];
  return code === undefined ? String(status) : `${status} ${code}`;
}
const tried = (to: string, request?: Request) => outcome(send(to, request));
const apply = (body: unknown, token = plane.token, mesh = "own") =>
  tried(`/v1/meshes/${mesh}/apply`, { method: "POST", token, body });
const applied = (content: string) => apply({ files: [{ name: "a.yaml", content }] });

describe("a token", () => {
  const whoAmI = (token: string | undefined, headers: Request["headers"] = {}) =>
    tried("/v1/whoami", { token, headers });
  const made = async (rest: Partial<Parameters<TestPlane["client"]["createToken"]>[0]>) =>
    plane.client.createToken({ name: "made", scopes: ["read"], ...rest });

  attack("that is not there", { wants: "to be somebody", gets: "401 HDL1010" }, () =>
    whoAmI(undefined),
  );
  attack("that was guessed", { wants: "to be somebody", gets: "401 HDL1011" }, () =>
    whoAmI(`hdl_${"A".repeat(43)}`),
  );
  attack(
    "without its last character",
    { wants: "a comparison of prefixes", gets: "401 HDL1011" },
    () => whoAmI(plane.token.slice(0, -1)),
  );
  attack("with a character more", { wants: "a comparison of prefixes", gets: "401 HDL1011" }, () =>
    whoAmI(`${plane.token}A`),
  );
  attack("in other letters", { wants: "a comparison without case", gets: "401 HDL1011" }, () =>
    whoAmI(plane.token.toUpperCase()),
  );
  attack(
    "that is what the database has of one",
    { wants: "to come by a copy of the database", gets: "401 HDL1011" },
    async () => {
      const [row] = await plane.deps.db.withTenant(plane.tenant, (tx) => tx.select().from(tokens));
      return whoAmI(row?.hash);
    },
  );
  attack("that closes a quotation", { wants: "to ask SQL", gets: "401 HDL1011" }, () =>
    whoAmI("'OR'1'='1"),
  );
  attack("of 100,000 characters", { wants: "time and memory", gets: "401 HDL1011" }, () =>
    whoAmI("A".repeat(100_000)),
  );
  attack("that was revoked", { wants: "to go on", gets: "401 HDL1013" }, async () => {
    const { id, token } = await made({});
    await plane.client.revokeToken(id);
    return whoAmI(token);
  });
  attack("that has expired", { wants: "to go on", gets: "401 HDL1012" }, async () => {
    const { token } = await made({ expiresInSeconds: 1 });
    plane.advance(1_001);
    return whoAmI(token);
  });
  attack("in the address", { wants: "to have it in logs and links", gets: "401 HDL1010" }, () =>
    tried(`/v1/whoami?access_token=${plane.token}`),
  );
  attack("in a cookie", { wants: "a browser to ask on its own", gets: "401 HDL1010" }, () =>
    whoAmI(undefined, { cookie: `token=${plane.token}; access_token=${plane.token}` }),
  );
  attack("by another scheme", { wants: "to pass a proxy's own", gets: "401 HDL1010" }, () =>
    whoAmI(undefined, { authorization: `Basic ${btoa(`admin:${plane.token}`)}` }),
  );
  attack("beside another", { wants: "one to be checked, one used", gets: "401 HDL1010" }, () =>
    whoAmI(undefined, { authorization: `Bearer ${plane.token}, Bearer hdl_other` }),
  );
  attack(
    "of another tenant, for a mesh by its id",
    { wants: "to read it", gets: "404 HDL1020" },
    () => tried(`/v1/meshes/${victim.mesh}/revisions`, { token: plane.token }),
  );
  attack(
    "of another tenant, for a mesh by its name",
    { wants: "to read it", gets: "404 HDL1020" },
    () => tried("/v1/meshes/private/objects", { token: plane.token }),
  );
  attack(
    "of another tenant, for a mesh of that name",
    { wants: "the other's history", gets: "200" },
    () =>
      // One's own, without a word of the other's.
      tried("/v1/meshes/own/revisions", { token: plane.token }),
  );
  attack(
    "of one mesh, for another of its tenant",
    { wants: "to read it", gets: "404 HDL1020" },
    async () => tried("/v1/meshes/other/objects", { token: (await made({ mesh: "own" })).token }),
  );
  attack("that reads", { wants: "to write", gets: "403 HDL1014" }, async () =>
    apply({ objects: [rule("a")] }, (await made({})).token),
  );
  attack("that writes", { wants: "to make one that administers", gets: "403 HDL1014" }, async () =>
    tried("/v1/tokens", {
      ...{ method: "POST", token: (await made({ scopes: ["write"] })).token },
      body: { name: "x", scopes: ["admin"] },
    }),
  );
  attack(
    "of one mesh's administrator",
    { wants: "one for all meshes", gets: "403 HDL1015" },
    async () =>
      tried("/v1/tokens", {
        ...{ method: "POST", token: (await made({ scopes: ["admin"], mesh: "own" })).token },
        body: { name: "x", scopes: ["admin"] },
      }),
  );
  attack("of an agent", { wants: "to make tokens", gets: "403 HDL1014" }, () =>
    tried("/v1/tokens", {
      method: "POST",
      token: agentToken,
      body: { name: "x", scopes: ["read"] },
    }),
  );
  attack("of an agent", { wants: "to change configuration", gets: "403 HDL1014" }, () =>
    apply({ objects: [rule("a")] }, agentToken),
  );
  attack("of an agent", { wants: "certificates of another mesh", gets: "404 HDL1020" }, () =>
    tried("/v1/meshes/other/trust-bundle", { token: agentToken }),
  );
  attack("for joining, twice", { wants: "a second agent", gets: "401 HDL7012" }, async () => {
    const { token: joinToken } = await plane.client.createJoinToken("own", { name: "twice" });
    await plane.client.enroll({ joinToken, name: "twice" });
    return enrolled(joinToken);
  });
  attack(
    "for joining, late",
    { wants: "to join by what was thrown away", gets: "401 HDL7012" },
    async () => {
      const { token } = await plane.client.createJoinToken("own", {
        name: "l",
        expiresInSeconds: 1,
      });
      plane.advance(1_001);
      return enrolled(token);
    },
  );
  attack("for joining", { wants: "to call the interface by it", gets: "401 HDL1011" }, async () =>
    whoAmI((await plane.client.createJoinToken("own", { name: "bearer" })).token),
  );
  attack("for calling", { wants: "to join by it", gets: "401 HDL7012" }, () =>
    enrolled(plane.token),
  );
  const enrolled = (joinToken: string) =>
    tried("/v1/agents/enroll", { method: "POST", body: { joinToken, name: "x" } });
});

describe("an idempotency key", () => {
  const write = (token: string, name: string) =>
    send("/v1/meshes/own/apply", {
      ...{ method: "POST", token, headers: { "idempotency-key": "same" } },
      body: { objects: [rule(name)] },
    });
  attack("of another tenant", { wants: "the other's answer", gets: "own" }, async () => {
    await write(victim.token, "secret");
    const answer = await (await write(plane.token, "mine")).text();
    return answer.includes("secret") || !answer.includes("mine") ? answer : "own";
  });
  attack(
    "of one's own, for something else",
    { wants: "two writes as one", gets: "409 HDL1033" },
    async () => {
      await write(plane.token, "mine");
      return outcome(write(plane.token, "another"));
    },
  );
});

describe("a certificate request", () => {
  const certificates = (body: object, mesh = "own") =>
    tried(`/v1/meshes/${mesh}/certificates`, { method: "POST", token: agentToken, body });
  const issued = (csr: string) => certificates({ csrs: [csr] });
  const keys = (algorithm: EcKeyGenParams | RsaHashedKeyGenParams) =>
    crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]) as Promise<CryptoKeyPair>;
  /** As anybody may write one. */
  const written = async (
    names: x509.JsonGeneralNames,
    extensions: x509.Extension[] = [],
    pair?: CryptoKeyPair,
  ) =>
    (
      await x509.Pkcs10CertificateRequestGenerator.create({
        keys: pair ?? (await keys(P256)),
        signingAlgorithm: { ...pair?.privateKey.algorithm, ...P256 },
        extensions: [new x509.SubjectAlternativeNameExtension(names), ...extensions],
      })
    ).toString("pem");
  const asks = async (uri: string) => issued(await written([{ type: "url", value: uri }]));

  attack("of another trust domain", { wants: "to be of another mesh", gets: "403 HDL7103" }, () =>
    asks("spiffe://other.example/ns/shop/sa/web"),
  );
  attack(
    "of a trust domain that begins alike",
    { wants: "a comparison of prefixes", gets: "403 HDL7103" },
    () => asks("spiffe://own.example.evil/ns/shop/sa/web"),
  );
  attack(
    "of somebody in front of the trust domain",
    { wants: "a lax reading of URIs", gets: "403 HDL7103" },
    () => asks("spiffe://own.example@other.example/ns/shop/sa/web"),
  );
  attack(
    "of a path that climbs",
    { wants: "another namespace's identity", gets: "403 HDL7103" },
    () => asks("spiffe://own.example/ns/shop/../vault/sa/web"),
  );
  attack(
    "of an encoded slash",
    { wants: "another namespace's identity", gets: "403 HDL7103" },
    () => asks("spiffe://own.example/ns/shop%2fsa/sa/web"),
  );
  attack(
    "of an identity with a query",
    { wants: "a name that policies do not know", gets: "403 HDL7103" },
    () => asks(`${OWN}?a`),
  );
  attack(
    "of an identity in capitals",
    { wants: "a name that policies do not know", gets: "403 HDL7103" },
    () => asks("SPIFFE://OWN.EXAMPLE/ns/shop/sa/web"),
  );
  attack(
    "of the trust domain itself",
    { wants: "to pass for an authority", gets: "403 HDL7103" },
    () => asks("spiffe://own.example"),
  );
  attack("with a line break", { wants: "a second name behind it", gets: "403 HDL7103" }, () =>
    asks(`${OWN}\nspiffe://own.example/ns/vault/sa/root`),
  );
  attack("of two identities", { wants: "to be either", gets: "403 HDL7103" }, async () =>
    issued(
      await written([
        { type: "url", value: OWN },
        { type: "url", value: "spiffe://own.example/ns/vault/sa/root" },
      ]),
    ),
  );
  attack(
    "of nobody",
    { wants: "a certificate that fits everywhere", gets: "403 HDL7103" },
    async () => issued(await written([{ type: "dns", value: "web.shop.svc" }])),
  );
  attack("with a wildcard", { wants: "to serve every host", gets: "400 HDL7108" }, async () =>
    issued(
      await written([
        { type: "url", value: OWN },
        { type: "dns", value: "*.shop.svc" },
      ]),
    ),
  );
  const named = async (...dnsNames: string[]) =>
    issued(
      await written([
        { type: "url", value: OWN },
        ...dnsNames.map((value) => ({ type: "dns" as const, value })),
      ]),
    );
  attack(
    "with the name of another namespace's workload",
    { wants: "to be counted as that", gets: "403 HDL7111" },
    () => named("root.vault.workload.own.example"),
  );
  attack(
    "with a workload's name below another namespace's",
    { wants: "a lax reading of names", gets: "403 HDL7111" },
    () => named("root.shop.vault.workload.own.example"),
  );
  attack(
    "with the names of two workloads",
    { wants: "to be counted as either", gets: "403 HDL7111" },
    () => named("web.shop.workload.own.example", "till.shop.workload.own.example"),
  );
  attack("with the name of a whole zone", { wants: "all names below", gets: "403 HDL7111" }, () =>
    named("shop.workload.own.example"),
  );
  attack("to be an authority", { wants: "to sign others", gets: "no authority" }, async () => {
    const csr = await written(
      [{ type: "url", value: OWN }],
      [new x509.BasicConstraintsExtension(true, 9, true)],
    );
    const { chains } = await plane.as(agentToken).issueCertificates("own", [csr]);
    return new X509Certificate(chains[0] ?? "").ca ? "an authority" : "no authority";
  });
  attack(
    "signed by another key",
    { wants: "a certificate for a key of somebody else", gets: "400 HDL7101" },
    async () => {
      const [mine, theirs] = [await keys(P256), await keys(P256)];
      return issued(
        await written([{ type: "url", value: OWN }], [], {
          ...{ publicKey: theirs.publicKey, privateKey: mine.privateKey },
        }),
      );
    },
  );
  attack(
    "changed after it was signed",
    { wants: "another name", gets: "400 HDL7101" },
    async () => {
      const pem = await createRequest(await generateKeyPair(), OWN);
      const bytes = Buffer.from(x509.PemConverter.decodeFirst(pem));
      bytes.write("sa/adm", bytes.indexOf("sa/web"));
      return issued(x509.PemConverter.encode(bytes, "CERTIFICATE REQUEST"));
    },
  );
  attack(
    "of a short RSA key",
    { wants: "a key that is soon found", gets: "400 HDL7102" },
    async () => {
      const rsa = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256", modulusLength: 1024 };
      const pair = await keys({ ...rsa, publicExponent: new Uint8Array([1, 0, 1]) });
      const request = await x509.Pkcs10CertificateRequestGenerator.create({
        ...{ keys: pair, signingAlgorithm: rsa },
        extensions: [new x509.SubjectAlternativeNameExtension([{ type: "url", value: OWN }])],
      });
      return issued(request.toString("pem"));
    },
  );
  attack("of 5,000 characters", { wants: "time and memory", gets: "400 HDL1004" }, () =>
    issued("A".repeat(5_000)),
  );
  attack("501 times", { wants: "time and memory", gets: "400 HDL1004" }, () =>
    certificates({ csrs: Array(501).fill("A".repeat(200)) }),
  );
  attack(
    "for a hundred years",
    { wants: "what outlives its revocation", gets: "400 HDL1004" },
    async () =>
      certificates({ csrs: [await written([{ type: "url", value: OWN }])], lifetimeSeconds: 3e9 }),
  );
  attack("by who administers", { wants: "to be a workload", gets: "403 HDL1014" }, async () =>
    tried("/v1/meshes/own/certificates", {
      ...{ method: "POST", token: plane.token },
      body: { csrs: [await written([{ type: "url", value: OWN }])] },
    }),
  );
  attack(
    "for an intermediate of another trust domain",
    { wants: "to sign for another mesh", gets: "403 HDL7103" },
    async () =>
      tried("/v1/meshes/own/intermediates", {
        ...{ method: "POST", token: agentToken },
        body: { csr: await written([{ type: "url", value: "spiffe://other.example/ns/a/sa/b" }]) },
      }),
  );
});

describe("a document", () => {
  const policy = (rules: string) =>
    `apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: a, namespace: default}\nspec:\n  rules: ${rules}\n`;
  const virtualService = (regex: string) => ({
    ...rule("a"),
    spec: {
      hosts: ["a"],
      http: [{ match: [{ uri: { regex } }], route: [{ destination: { host: "a" } }] }],
    },
  });

  attack("of aliases of aliases", { wants: "memory without end", gets: "422 HDL1040" }, () => {
    const levels = Array.from(
      { length: 12 },
      (_, index) =>
        `l${index}: &l${index} [${Array(10)
          .fill(index === 0 ? "x" : `*l${index - 1}`)
          .join(",")}]`,
    );
    return applied(`${levels.join("\n")}\n`);
  });
  attack("that holds itself", { wants: "a walk without end", gets: "422 HDL1040" }, () =>
    applied("a: &a [*a]\n"),
  );
  attack("of 50,000 brackets", { wants: "the end of a stack", gets: "422 HDL1040" }, () =>
    applied("[".repeat(50_000)),
  );
  attack("of 50,000 brackets, as JSON", { wants: "the end of a stack", gets: "400 HDL1004" }, () =>
    tried("/v1/meshes/own/apply", {
      ...{ method: "POST", token: plane.token },
      body: `{"objects":[${"[".repeat(50_000)}${"]".repeat(50_000)}]}`,
    }),
  );
  attack("of 11 MB", { wants: "memory", gets: "413 HDL1005" }, () =>
    applied("x".repeat(11_000_000)),
  );
  attack(
    "of 11 MB that says it has one byte",
    { wants: "to pass a limit on what is announced", gets: "413 HDL1005" },
    () =>
      outcome(
        plane.app.request("/v1/meshes/own/apply", {
          ...{ method: "POST", duplex: "half", body: ofMegabytes(11) },
          headers: { authorization: `Bearer ${plane.token}`, "content-type": "application/json" },
        } as RequestInit),
      ),
  );
  attack("of 100,000 rules", { wants: "proxies without memory", gets: "413 HDL1047" }, () =>
    applied(policy(`[${Array(100_000).fill("{to: [{operation: {paths: [/a]}}]}").join(",")}]`)),
  );
  attack("of 50,001 objects", { wants: "time and memory", gets: "400 HDL1004" }, () =>
    apply({ objects: Array(50_001).fill(0) }),
  );
  attack(
    "with __proto__ in JSON",
    { wants: "a member of every object", gets: "422 HDL1040, {}" },
    async () =>
      `${await tried("/v1/meshes/own/apply", {
        ...{ method: "POST", token: plane.token },
        body: `{"objects":[{"__proto__":{"polluted":1},"apiVersion":"networking.istio.io/v1","kind":"VirtualService","metadata":{"name":"a","__proto__":{"polluted":1}},"spec":{"hosts":["a"],"__proto__":{"polluted":1}}}]}`,
      })}, ${polluted()}`,
  );
  attack(
    "with __proto__ in YAML",
    { wants: "a member of every object", gets: "422 HDL1040, {}" },
    async () =>
      `${await applied(`apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a}\nspec: {hosts: [a], __proto__: {polluted: 1}, constructor: {prototype: {polluted: 1}}}\n`)}, ${polluted()}`,
  );
  attack("with a tag that makes something", { wants: "code to be run", gets: "422 HDL1040" }, () =>
    applied('!!js/function "function () { return process.env }"\n'),
  );
  attack(
    "with an expression of a million states",
    { wants: "proxies without memory", gets: "422 HDL1040" },
    () => apply({ objects: [virtualService("((a{100}){100}){100}")] }),
  );
  attack(
    "with an expression that looks back",
    { wants: "a search without end", gets: "422 HDL1040" },
    () => apply({ objects: [virtualService(String.raw`(a+)+\1`)] }),
  );
  attack(
    "with an expression that nests 10,000 deep",
    { wants: "the end of a stack", gets: "422 HDL1040" },
    () => apply({ objects: [virtualService("(".repeat(10_000) + "a" + ")".repeat(10_000))] }),
  );
  attack(
    "with a name that climbs",
    { wants: "a file outside of the agent's folder", gets: "422 HDL1040" },
    () =>
      apply({
        objects: [{ ...rule("a"), metadata: { name: "../../etc/cron.d/x", namespace: "default" } }],
      }),
  );
  attack(
    "with a name of another's key",
    { wants: "to overwrite an object of another kind", gets: "422 HDL1040" },
    () => apply({ objects: [{ ...rule("a"), metadata: { name: "a/b", namespace: "x/y" } }] }),
  );
  attack(
    "under the address of another",
    { wants: "to change one that it does not name", gets: "422 HDL1041" },
    () =>
      tried("/v1/meshes/own/objects/networking.istio.io/VirtualService/default/b", {
        ...{ method: "PUT", token: plane.token, body: rule("a") },
      }),
  );
});

const polluted = () => JSON.stringify(({} as { polluted?: unknown }).polluted ?? {});
const ofMegabytes = (count: number) =>
  new ReadableStream<Uint8Array>({
    pull(controller) {
      if (count-- > 0) controller.enqueue(new Uint8Array(1_048_576));
      else controller.close();
    },
  });

describe("a request", () => {
  attack("for a mesh with SQL in its name", { wants: "to ask SQL", gets: "404 HDL1020" }, () =>
    tried(`/v1/meshes/${encodeURIComponent("x' OR '1'='1")}`, { token: plane.token }),
  );
  attack("for an object with SQL in its name", { wants: "to ask SQL", gets: "404 HDL1021" }, () =>
    tried(
      `/v1/meshes/own/objects/networking.istio.io/VirtualService/default/${encodeURIComponent("'; DROP TABLE meshes; --")}`,
      { token: plane.token },
    ),
  );
  attack("for a page of another list", { wants: "rows behind it", gets: "400 HDL1025" }, () =>
    tried(`/v1/meshes/own/revisions?cursor=${btoa('["x\' OR 1=1"]')}`, { token: plane.token }),
  );
  attack(
    "by a path in capitals",
    { wants: "to pass who asks for tokens", gets: "404 HDL1001" },
    () => tried("/V1/whoami"),
  );
  attack("by an encoded path", { wants: "to pass who asks for tokens", gets: "401 HDL1010" }, () =>
    tried("/%761/whoami"),
  );
  attack(
    "by a path with two slashes",
    { wants: "to pass who asks for tokens", gets: "404 HDL1001" },
    () => tried("//v1/whoami"),
  );
  attack(
    "by a path that climbs",
    { wants: "to pass who asks for tokens", gets: "401 HDL1010" },
    () => tried("/v1/agents/enroll/../../whoami"),
  );
  attack(
    "by a path that climbs, encoded",
    { wants: "to pass who asks for tokens", gets: "401 HDL1010" },
    () => tried("/v1/openapi.json/%2e%2e/whoami"),
  );
  attack(
    "by a method that is another in a header",
    { wants: "to delete by reading", gets: "200 own" },
    async () => {
      const headers = { "x-http-method-override": "DELETE", "x-method-override": "DELETE" };
      await send("/v1/meshes/own", { token: plane.token, headers });
      const { status, body } = await send("/v1/meshes/own", { token: plane.token });
      return `${status} ${((await new Response(body).json()) as { name: string }).name}`;
    },
  );
  attack(
    "by a method that the route does not have",
    { wants: "what was not thought of", gets: "405 HDL1002" },
    () => tried("/v1/meshes/own/apply", { method: "PUT", token: plane.token, body: {} }),
  );
  attack("as a form", { wants: "a browser to send it from any page", gets: "415 HDL1006" }, () =>
    tried("/v1/meshes/own/apply", {
      ...{ method: "POST", token: plane.token, body: "files=1" },
      headers: { "content-type": "application/x-www-form-urlencoded" },
    }),
  );
  attack(
    "as plain text",
    { wants: "a browser to send it from any page", gets: "415 HDL1006" },
    () =>
      tried("/v1/meshes/own/apply", {
        ...{ method: "POST", token: plane.token, body: '{"objects":[]}' },
        headers: { "content-type": "text/plain" },
      }),
  );
  attack(
    "of another page's script",
    { wants: "to read the answer in a browser", gets: "nothing allowed" },
    async () => {
      const headers = { origin: "https://evil.test", "access-control-request-method": "GET" };
      const answers = [
        await send("/v1/whoami", { token: plane.token, headers }),
        await send("/v1/whoami", { method: "OPTIONS", headers }),
      ];
      const allowed = answers.flatMap((answer) =>
        [...answer.headers.keys()].filter((name) => name.startsWith("access-control-")),
      );
      return allowed.join() || "nothing allowed";
    },
  );
  attack(
    "with another host",
    { wants: "links that lead to him", gets: "no word of it" },
    async () => {
      const headers = {
        host: "evil.test",
        "x-forwarded-host": "evil.test",
        forwarded: "host=evil.test",
      };
      const answers = [
        await send("http://evil.test/v1/openapi.json", { headers }),
        await send("http://evil.test/v1/nothing", { headers, token: plane.token }),
        await send("http://evil.test/v1/meshes", { headers, token: plane.token }),
      ];
      const said = await Promise.all(
        answers.map(
          async (answer) => `${JSON.stringify([...answer.headers])} ${await answer.text()}`,
        ),
      );
      return said.some((text) => text.includes("evil")) ? "a word of it" : "no word of it";
    },
  );
  attack(
    "with markup for its id",
    { wants: "a script in whoever shows it", gets: "an id of the plane's" },
    async () => {
      const headers = { "x-request-id": '"><script>alert(1)</script>' };
      const id = (await send("/healthz", { headers })).headers.get("x-request-id") ?? "";
      return /^[\da-f-]{36}$/.test(id) ? "an id of the plane's" : id;
    },
  );
});

describe("the console's files", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "heddle-attacks-"));
    await mkdir(path.join(folder, "console"));
    await mkdir(path.join(folder, "console-secret"));
    await writeFile(path.join(folder, "console/index.html"), "index");
    await writeFile(path.join(folder, "secret.txt"), SECRET);
    await writeFile(path.join(folder, "console-secret/secret.txt"), SECRET);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  const found = async (to: string) => {
    const answer = consoleFiles(path.join(folder, "console"))(
      new Request(`http://plane.test${to}`, { headers: { accept: "*/*" } }),
    );
    return answer ? answer.text() : "nothing";
  };
  const wants = "a file outside of them";
  for (const [to, gets] of [
    ["/../secret.txt", "nothing"],
    ["/%2e%2e/secret.txt", "nothing"],
    ["/..%2fsecret.txt", "nothing"],
    ["/..%5csecret.txt", "nothing"],
    ["/%252e%252e%252fsecret.txt", "nothing"],
    ["/assets/..%2f..%2fsecret.txt", "nothing"],
    ["/..%2fconsole-secret%2fsecret.txt", "nothing"],
    ["/%2fetc%2fpasswd.txt", "nothing"],
    // What is no path is a page like any other, and its address another one that the console does not know.
    ["/..%2fsecret.txt%00.html", "index"],
    ["/..%2fsecret.txt%ff", "index"],
  ] as const)
    attack(`by ${to}`, { wants, gets }, () => found(to));
});

describe("a revision", () => {
  const accepted = async (
    change: (
      of: Awaited<ReturnType<typeof testHistory>>,
    ) => Promise<Parameters<typeof acceptBundle>>,
  ) =>
    acceptBundle(...(await change(await testHistory()))).then(
      () => "accepted",
      (error: { code: string }) => error.code,
    );
  attack("that was in force before", { wants: "a rule that was mended", gets: "HDL7007" }, () =>
    accepted(async (history) => {
      const first = await history.commit({ a: { x: 1 } });
      const { state } = await history.commit({ a: { x: 2 } });
      return [
        state,
        first.text,
        { mesh: history.mesh, head: first.head, verifier: history.verifier },
      ];
    }),
  );
  attack("of another mesh", { wants: "its rules to hold here", gets: "HDL7009" }, () =>
    accepted(async ({ commit, verifier }) => {
      const { text, head } = await commit({ a: { x: 1 } });
      return [emptyState, text, { mesh: "another", head, verifier }];
    }),
  );
  attack("signed by another key", { wants: "to be the plane", gets: "HDL7004" }, () =>
    accepted(async ({ mesh, verifier }) => {
      const { text, head } = await (await testHistory(mesh)).commit({ a: { x: 1 } });
      return [emptyState, text, { mesh, head, verifier }];
    }),
  );
  attack(
    "with another content under its signature",
    { wants: "a rule of his own", gets: "HDL7006" },
    () =>
      accepted(async ({ commit, mesh, verifier }) => {
        const bundle = parseBundle((await commit({ a: { x: 1 } })).text);
        if (bundle.kind !== "change") throw new Error("no change");
        const forged = { ...bundle, changes: [{ key: "a", object: { x: 666 } }] };
        const { text, hash } = await encodeBundle(forged);
        return [emptyState, text, { mesh, head: await headOf(forged, hash), verifier }];
      }),
  );
});

describe("an agent's link", () => {
  let url: string;
  let close: () => Promise<void>;
  beforeAll(async () => {
    const rooms = createInProcessRooms(plane.deps);
    const server = createServer();
    const sync = attachSync(server, plane.deps, rooms);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/v1/sync`;
    close = async () => {
      await sync.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    };
  });
  afterAll(() => close?.());
  /** Whether it opens. */
  const opened = (query: string) =>
    new Promise<string>((resolve) => {
      const socket = new WebSocket(`${url}?${query}`);
      socket.addEventListener("open", () => {
        socket.close();
        resolve("open");
      });
      socket.addEventListener("error", () => resolve("refused"));
    });
  attack(
    "that is open when its token is revoked",
    { wants: "to hear of all that comes", gets: "closed within 5 s" },
    async () => {
      const { token: joinToken } = await plane.client.createJoinToken("own", { name: "revoked" });
      const { token } = await plane.client.enroll({ joinToken, name: "revoked" });
      const socket = new WebSocket(`${url}?mesh=own&access_token=${token}`);
      await new Promise((resolve) => socket.addEventListener("open", resolve));
      const { id } = (await plane.as(token).whoAmI()).token;
      await plane.client.revokeToken(id);
      const since = performance.now();
      await new Promise((resolve) => socket.addEventListener("close", resolve));
      const took = performance.now() - since;
      return took < 5_000 ? "closed within 5 s" : `closed after ${Math.round(took)} ms`;
    },
  );
  attack("with no token", { wants: "configuration", gets: "refused" }, () => opened("mesh=own"));
  attack(
    "with an administrator's token",
    { wants: "to stand in for an agent", gets: "refused" },
    () => opened(`mesh=own&access_token=${plane.token}`),
  );
  attack(
    "to another mesh than its own",
    { wants: "another mesh's configuration", gets: "refused" },
    () => opened(`mesh=other&access_token=${agentToken}`),
  );
  attack(
    "to another tenant's mesh",
    { wants: "another tenant's configuration", gets: "refused" },
    () => opened(`mesh=${victim.mesh}&access_token=${agentToken}`),
  );
});
