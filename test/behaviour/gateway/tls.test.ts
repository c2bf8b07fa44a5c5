/** Every way in which a gateway takes TLS off: whose certificates it shows, whom it lets in, and what it agrees to. */
import { createHash, X509Certificate } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Secret } from "@heddle/envoy/extensions/transport_sockets/tls/v3";
import type { Server, ServerTLSSettings } from "@heddle/model";
import { afterAll, describe, expect } from "vitest";
import { greeting, type Hello } from "../../harness/bytes.ts";
import { certificateSecret, createAuthority, type Leaf } from "../../harness/certificates.ts";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { gateway, virtualService } from "../../harness/objects.ts";
import { ask } from "../../harness/request.ts";
import { proves } from "../proves.ts";

const EDGE = "127.65.0.1";
const PORT = 8443;
const CREDENTIAL = { credentialName: "edge" };

describe.skipIf(!envoyBinary)("TLS at a gateway", async () => {
  const folder = await mkdtemp(join(tmpdir(), "heddle-gateway-tls-"));
  const file = async (name: string, text: string) => {
    await writeFile(join(folder, name), text);
    return join(folder, name);
  };
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const authority = await createAuthority();
  const strangers = await createAuthority("another root");
  const [ecdsa, rsa, alice, bob, revoked, stranger] = (await Promise.all([
    authority.issue("edge.test"),
    authority.issue("edge.test", "rsa"),
    authority.issue("alice.test"),
    authority.issue("bob.test"),
    authority.issue("revoked.test"),
    strangers.issue("alice.test"),
  ])) as [Leaf, Leaf, Leaf, Leaf, Leaf, Leaf];

  const files = {
    serverCertificate: await file("edge.pem", ecdsa.chain),
    privateKey: await file("edge.key", ecdsa.key),
  };
  const filesOfRsa = {
    serverCertificate: await file("rsa.pem", rsa.chain),
    privateKey: await file("rsa.key", rsa.key),
  };
  const caCertificates = await file("ca.pem", authority.certificate);
  const caCrl = await file("ca.crl", await authority.revocationList([revoked]));

  const settings: Readonly<Record<string, ServerTLSSettings>> = {
    simple: { mode: "SIMPLE", ...CREDENTIAL },
    mutual: { mode: "MUTUAL", ...CREDENTIAL },
    optional: { mode: "OPTIONAL_MUTUAL", ...CREDENTIAL },
    mesh: { mode: "ISTIO_MUTUAL" },
    "two-kinds": { mode: "SIMPLE", credentialNames: ["edge", "edge-rsa"] },
    "other-roots": { mode: "MUTUAL", ...CREDENTIAL, caCertCredentialName: "others" },
    names: { mode: "MUTUAL", ...CREDENTIAL, subjectAltNames: ["bob.test"] },
    spki: { mode: "MUTUAL", ...CREDENTIAL, verifyCertificateSpki: [spkiOf(bob)] },
    hash: { mode: "MUTUAL", ...CREDENTIAL, verifyCertificateHash: [hashOf(bob)] },
    untrusted: { mode: "MUTUAL", ...CREDENTIAL, insecureSkipVerify: true },
    files: { mode: "SIMPLE", ...files },
    "two-files": { mode: "SIMPLE", tlsCertificates: [files, filesOfRsa] },
    "mutual-files": { mode: "MUTUAL", ...files, caCertificates, caCrl },
    "mutual-two-files": {
      mode: "MUTUAL",
      tlsCertificates: [{ ...files, caCertificates }],
      caCertificates,
    },
    "at-least-1.0": {
      mode: "SIMPLE",
      ...CREDENTIAL,
      minProtocolVersion: "TLSV1_0",
      cipherSuites: ["ECDHE-ECDSA-AES128-SHA"],
    },
    "at-least-1.1": {
      mode: "SIMPLE",
      ...CREDENTIAL,
      minProtocolVersion: "TLSV1_1",
      cipherSuites: ["ECDHE-ECDSA-AES128-SHA"],
    },
    "at-least-1.2": { mode: "SIMPLE", ...CREDENTIAL, minProtocolVersion: "TLSV1_2" },
    "at-least-1.3": { mode: "SIMPLE", ...CREDENTIAL, minProtocolVersion: "TLSV1_3" },
    "at-least-any": { mode: "SIMPLE", ...CREDENTIAL, minProtocolVersion: "TLS_AUTO" },
    "at-most-1.0": {
      mode: "SIMPLE",
      ...CREDENTIAL,
      minProtocolVersion: "TLSV1_0",
      maxProtocolVersion: "TLSV1_0",
      cipherSuites: ["ECDHE-ECDSA-AES128-SHA"],
    },
    "at-most-1.1": {
      mode: "SIMPLE",
      ...CREDENTIAL,
      minProtocolVersion: "TLSV1_0",
      maxProtocolVersion: "TLSV1_1",
      cipherSuites: ["ECDHE-ECDSA-AES128-SHA"],
    },
    "at-most-1.2": { mode: "SIMPLE", ...CREDENTIAL, maxProtocolVersion: "TLSV1_2" },
    "at-most-1.3": { mode: "SIMPLE", ...CREDENTIAL, maxProtocolVersion: "TLSV1_3" },
    "at-most-any": { mode: "SIMPLE", ...CREDENTIAL, maxProtocolVersion: "TLS_AUTO" },
    suites: {
      mode: "SIMPLE",
      ...CREDENTIAL,
      maxProtocolVersion: "TLSV1_2",
      cipherSuites: ["ECDHE-ECDSA-AES256-GCM-SHA384"],
    },
    curves: { mode: "SIMPLE", ...CREDENTIAL, ecdhCurves: ["P-384"] },
  };

  const trusted = (name: string, pem: string): Secret => ({
    name,
    validationContext: { trustedCa: { inlineString: pem } },
  });
  const mesh = startedMesh({
    workloads: {
      edge: {
        address: EDGE,
        type: "router",
        labels: { app: "edge" },
        secrets: async () => [
          certificateSecret("kubernetes://default/edge", ecdsa),
          certificateSecret("kubernetes://default/edge-rsa", rsa),
          trusted("kubernetes://default/edge-cacert", authority.certificate),
          trusted("kubernetes://default/others", strangers.certificate),
        ],
      },
    },
    objects: [
      gateway("main", {
        selector: { app: "edge" },
        servers: Object.entries(settings).map(([name, tls]): Server => ({
          port: { number: PORT, name, protocol: "HTTPS" },
          hosts: [`${name}.test`],
          tls,
        })),
      }),
      virtualService("main", {
        hosts: ["*.test"],
        gateways: ["main"],
        http: [{ directResponse: { status: 200 } }],
      }),
    ],
  });

  /** The status of a request, or "refused" where TLS came to nothing. */
  const get = (name: string, client?: Leaf) =>
    ask(EDGE, PORT, `${name}.test`, "/", {
      secure: true,
      servername: `${name}.test`,
      rejectUnauthorized: false,
      ...(client ? { cert: client.chain, key: client.key } : {}),
    }).then(
      ({ status }) => status,
      () => "refused",
    );
  const REQUEST = (name: string) =>
    `GET / HTTP/1.1\r\nhost: ${name}.test\r\nconnection: close\r\n\r\n`;
  /** What was agreed on, or "refused". */
  const agreed = (name: string, hello: Hello) =>
    greeting(EDGE, PORT, {
      secure: true,
      servername: `${name}.test`,
      say: REQUEST(name),
      ...hello,
    }).catch(() => "refused" as const);
  const version = async (name: string, minVersion: Version, maxVersion = minVersion) => {
    const old = { ciphers: "DEFAULT@SECLEVEL=0", minVersion, maxVersion };
    const answer = await agreed(name, old);
    return answer === "refused" ? answer : answer.protocol;
  };

  proves(
    "Gateway",
    ["servers[].tls.mode={SIMPLE,MUTUAL,OPTIONAL_MUTUAL}"],
    "asks clients for nothing, for a certificate, or for one if they have it",
    async () => {
      expect([await get("simple"), await get("simple", stranger)]).toEqual([200, 200]);
      expect([
        await get("mutual"),
        await get("mutual", alice),
        await get("mutual", stranger),
      ]).toEqual(["refused", 200, "refused"]);
      expect([
        await get("optional"),
        await get("optional", alice),
        await get("optional", stranger),
      ]).toEqual([200, 200, "refused"]);
    },
  );

  proves(
    "Gateway",
    ["servers[].tls.mode=ISTIO_MUTUAL"],
    "lets in workloads of the mesh alone, and shows its own workload's certificate",
    async () => {
      const workload = await mesh.authority().issue("spiffe://cluster.local/ns/default/sa/any");
      const other = await mesh.authority().issue("no-workload.test");
      expect([await get("mesh"), await get("mesh", other), await get("mesh", workload)]).toEqual([
        "refused",
        "refused",
        200,
      ]);
    },
  );

  proves(
    "Gateway",
    ["servers[].tls.credentialNames"],
    "shows the certificate of the kind that the client can take",
    async () => {
      const with12 = (ciphers: string) => agreed("two-kinds", { ciphers, maxVersion: "TLSv1.2" });
      expect(await with12("ECDHE-RSA-AES128-GCM-SHA256")).toMatchObject({
        cipher: "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
      });
      expect(await with12("ECDHE-ECDSA-AES128-GCM-SHA256")).toMatchObject({
        cipher: "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
      });
      expect(
        await agreed("simple", { ciphers: "ECDHE-RSA-AES128-GCM-SHA256", maxVersion: "TLSv1.2" }),
      ).toBe("refused");
    },
  );

  proves(
    "Gateway",
    ["servers[].tls.caCertCredentialName"],
    "verifies clients against the bundle of another Secret",
    async () => {
      expect([await get("other-roots", alice), await get("other-roots", stranger)]).toEqual([
        "refused",
        200,
      ]);
    },
  );

  proves(
    "Gateway",
    ["servers[].tls.{subjectAltNames,verifyCertificateSpki,verifyCertificateHash}"],
    "lets in clients by name, by key or by certificate",
    async () => {
      for (const name of ["names", "spki", "hash"]) {
        expect([name, await get(name, alice), await get(name, bob)]).toEqual([
          name,
          "refused",
          200,
        ]);
      }
    },
  );

  proves(
    "Gateway",
    ["servers[].tls.insecureSkipVerify"],
    "lets in whoever shows any certificate",
    async () => {
      expect([await get("untrusted"), await get("untrusted", stranger)]).toEqual(["refused", 200]);
    },
  );

  proves(
    "Gateway",
    [
      "servers[].tls.{serverCertificate,privateKey,caCertificates,caCrl}",
      "servers[].tls.tlsCertificates[].{serverCertificate,privateKey,caCertificates}",
    ],
    "takes certificates, authorities and what they have revoked from files",
    async () => {
      expect(await get("files")).toBe(200);
      const { cipher } = (await agreed("two-files", {
        ciphers: "ECDHE-RSA-AES128-GCM-SHA256",
        maxVersion: "TLSv1.2",
      })) as { cipher: string };
      expect(cipher).toContain("RSA");
      expect([
        await get("mutual-files"),
        await get("mutual-files", alice),
        await get("mutual-files", revoked),
        await get("mutual-files", stranger),
      ]).toEqual(["refused", 200, "refused", "refused"]);
      expect([
        await get("mutual-two-files", alice),
        await get("mutual-two-files", revoked),
        await get("mutual-two-files", stranger),
      ]).toEqual([200, 200, "refused"]);
    },
  );

  proves(
    "Gateway",
    ["servers[].tls.minProtocolVersion={TLS_AUTO,TLSV1_0,TLSV1_1,TLSV1_2,TLSV1_3}"],
    "speaks no version of TLS below the lowest",
    async () => {
      expect(await version("at-least-1.0", "TLSv1")).toBe("TLSv1");
      expect(await version("at-least-1.1", "TLSv1")).toBe("refused");
      expect(await version("at-least-1.1", "TLSv1.1")).toBe("TLSv1.1");
      expect(await version("at-least-1.2", "TLSv1.1")).toBe("refused");
      expect(await version("at-least-1.2", "TLSv1.2")).toBe("TLSv1.2");
      expect(await version("at-least-1.3", "TLSv1.2")).toBe("refused");
      expect(await version("at-least-1.3", "TLSv1.3")).toBe("TLSv1.3");
      expect(await version("at-least-any", "TLSv1.1")).toBe("refused");
      expect(await version("at-least-any", "TLSv1.2")).toBe("TLSv1.2");
    },
  );

  proves(
    "Gateway",
    ["servers[].tls.maxProtocolVersion={TLS_AUTO,TLSV1_0,TLSV1_1,TLSV1_2,TLSV1_3}"],
    "speaks no version of TLS above the highest",
    async () => {
      for (const [name, highest] of [
        ["at-most-1.0", "TLSv1"],
        ["at-most-1.1", "TLSv1.1"],
        ["at-most-1.2", "TLSv1.2"],
        ["at-most-1.3", "TLSv1.3"],
        ["at-most-any", "TLSv1.3"],
      ] as const) {
        expect([name, await version(name, "TLSv1", "TLSv1.3")]).toEqual([name, highest]);
      }
    },
  );

  proves(
    "Gateway",
    ["servers[].tls.cipherSuites"],
    "offers the cipher suites that it is told to",
    async () => {
      expect(await agreed("suites", {})).toMatchObject({
        cipher: "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
      });
      expect(await agreed("suites", { ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256" })).toBe("refused");
    },
  );

  proves(
    "Gateway",
    ["servers[].tls.ecdhCurves"],
    "exchanges keys by the curves that it is told to",
    async () => {
      expect(await agreed("curves", { ecdhCurve: "P-384" })).not.toBe("refused");
      expect(await agreed("curves", { ecdhCurve: "P-256" })).toBe("refused");
      expect(await agreed("simple", { ecdhCurve: "P-256" })).not.toBe("refused");
    },
  );
});

type Version = NonNullable<Hello["minVersion"]>;

function spkiOf({ chain }: Leaf): string {
  const key = new X509Certificate(chain).publicKey.export({ type: "spki", format: "der" });
  return createHash("sha256").update(key).digest("base64");
}

function hashOf({ chain }: Leaf): string {
  return createHash("sha256").update(new X509Certificate(chain).raw).digest("hex");
}
