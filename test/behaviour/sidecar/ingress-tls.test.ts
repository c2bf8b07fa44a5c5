/** TLS that a Sidecar takes off for clients outside of the mesh: what it shows, whom it lets in, and what it agrees to. */
import { createHash, X509Certificate } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { IstioIngressListener, ServerTLSSettings } from "@heddle/model";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Greeter, greeting, type Hello, startGreeter } from "../../harness/bytes.ts";
import { createAuthority, type Leaf } from "../../harness/certificates.ts";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { peerAuthentication, service, sidecar } from "../../harness/objects.ts";
import { ask } from "../../harness/request.ts";
import { proves } from "../proves.ts";

const SECURE = "127.201.0.1";
const APPLICATION = "127.201.1.1";
/** Has the same Sidecar, and the mesh's own TLS besides. */
const MESHED = "127.201.0.2";
const PLAIN_PORT = 9080;
const TLS_PORT = 9443;

describe.skipIf(!envoyBinary)("TLS of a Sidecar's ingress", async () => {
  const folder = await mkdtemp(join(tmpdir(), "heddle-sidecar-tls-"));
  const file = async (name: string, text: string) => {
    await writeFile(join(folder, name), text);
    return join(folder, name);
  };
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const authority = await createAuthority();
  const strangers = await createAuthority("another root");
  const [own, application, alice, bob, revoked, stranger] = (await Promise.all([
    authority.issue("secure.test"),
    authority.issue("application.test"),
    authority.issue("alice.test"),
    authority.issue("bob.test"),
    authority.issue("revoked.test"),
    strangers.issue("alice.test"),
  ])) as [Leaf, Leaf, Leaf, Leaf, Leaf, Leaf];

  const files = {
    serverCertificate: await file("secure.pem", own.chain),
    privateKey: await file("secure.key", own.key),
  };
  const caCertificates = await file("ca.pem", authority.certificate);
  const caCrl = await file("ca.crl", await authority.revocationList([revoked]));
  const otherRoots = await file("others.pem", strangers.certificate);
  const simple: ServerTLSSettings = { mode: "SIMPLE", ...files };
  const mutual: ServerTLSSettings = { mode: "MUTUAL", ...files, caCertificates };
  const old = { minProtocolVersion: "TLSV1_0", cipherSuites: ["ECDHE-ECDSA-AES128-SHA"] } as const;

  const settings = {
    simple,
    mutual,
    optional: { ...mutual, mode: "OPTIONAL_MUTUAL" },
    "other-roots": { ...mutual, caCertificates: otherRoots },
    "bundle-of-secret": { ...mutual, caCertCredentialName: "others" },
    crl: { ...mutual, caCrl },
    spki: { ...mutual, verifyCertificateSpki: [spkiOf(bob)] },
    hash: { ...mutual, verifyCertificateHash: [hashOf(bob)] },
    untrusted: { ...mutual, insecureSkipVerify: true },
    "at-least-1.0": { ...simple, ...old },
    "at-least-1.1": { ...simple, ...old, minProtocolVersion: "TLSV1_1" },
    "at-least-1.2": { ...simple, minProtocolVersion: "TLSV1_2" },
    "at-least-1.3": { ...simple, minProtocolVersion: "TLSV1_3" },
    "at-least-any": { ...simple, minProtocolVersion: "TLS_AUTO" },
    "at-most-1.0": { ...simple, ...old, maxProtocolVersion: "TLSV1_0" },
    "at-most-1.1": { ...simple, ...old, maxProtocolVersion: "TLSV1_1" },
    "at-most-1.2": { ...simple, maxProtocolVersion: "TLSV1_2" },
    "at-most-1.3": { ...simple, maxProtocolVersion: "TLSV1_3" },
    "at-most-any": { ...simple, maxProtocolVersion: "TLS_AUTO" },
    suites: {
      ...simple,
      maxProtocolVersion: "TLSV1_2",
      cipherSuites: ["ECDHE-ECDSA-AES256-GCM-SHA384"],
    },
    curves: { ...simple, ecdhCurves: ["P-384"] },
  } satisfies Readonly<Record<string, ServerTLSSettings>>;
  type Name = keyof typeof settings;
  const portOf = (name: Name) => 9100 + Object.keys(settings).indexOf(name);

  const ingress: readonly IstioIngressListener[] = [
    ...(Object.keys(settings) as Name[]).map((name): IstioIngressListener => ({
      port: { number: portOf(name), protocol: "HTTPS", name },
      defaultEndpoint: `127.0.0.1:${PLAIN_PORT}`,
      tls: settings[name] as ServerTLSSettings,
    })),
    {
      port: { number: TLS_PORT, protocol: "HTTPS", name: "passed" },
      tls: { mode: "PASSTHROUGH" },
    },
    {
      port: { number: TLS_PORT + 1, protocol: "TLS", name: "taken" },
      tls: simple,
      defaultEndpoint: `127.0.0.1:${TLS_PORT}`,
    },
  ];

  let greeters: readonly Greeter[] = [];
  beforeAll(async () => {
    greeters = [
      await startGreeter("application", APPLICATION, TLS_PORT, application),
      // Behind the workload that takes the mesh's TLS: its application speaks TLS itself.
      await startGreeter("meshed", "127.201.1.2", portOf("simple"), application),
    ];
  });
  afterAll(() => Promise.all(greeters.map((greeter) => greeter.stop())));

  startedMesh({
    workloads: {
      secure: {
        address: SECURE,
        ports: [PLAIN_PORT],
        secrets: async () => [
          {
            name: "kubernetes://default/others",
            validationContext: { trustedCa: { inlineString: strangers.certificate } },
          },
        ],
      },
      // It has no ports of its own for the harness; its application is the greeter.
      meshed: { address: MESHED, ports: [PLAIN_PORT] },
    },
    objects: [
      ...service("secure", [{ name: "http", port: PLAIN_PORT }], [SECURE]),
      sidecar("secure", { workloadSelector: { labels: { app: "secure" } }, ingress }),
      sidecar("meshed", {
        workloadSelector: { labels: { app: "meshed" } },
        ingress: [
          {
            port: { number: portOf("simple"), protocol: "HTTPS", name: "simple" },
            tls: simple,
          },
        ],
      }),
      peerAuthentication("secure", {
        selector: { matchLabels: { app: "secure" } },
        mtls: { mode: "DISABLE" },
      }),
    ],
  });

  /** The status of a request, or "refused" where TLS came to nothing. */
  const get = (name: Name, client?: Leaf) =>
    ask(SECURE, portOf(name), "secure.test", "/", {
      secure: true,
      servername: "secure.test",
      ca: authority.certificate,
      ...(client ? { cert: client.chain, key: client.key } : {}),
    }).then(
      ({ status }) => status,
      () => "refused",
    );
  const REQUEST = "GET / HTTP/1.1\r\nhost: secure.test\r\nconnection: close\r\n\r\n";
  /** What was agreed on, or "refused". */
  const agreed = (name: Name, hello: Hello) =>
    greeting(SECURE, portOf(name), { secure: true, say: REQUEST, ...hello }).catch(
      () => "refused" as const,
    );
  const version = async (name: Name, minVersion: Version, maxVersion = minVersion) => {
    const hello = { ciphers: "DEFAULT@SECLEVEL=0", minVersion, maxVersion };
    const answer = await agreed(name, hello);
    return answer === "refused" ? answer : answer.protocol;
  };

  const T = "ingress[].tls";
  proves(
    "Sidecar",
    [
      `${T}.mode={SIMPLE,MUTUAL,OPTIONAL_MUTUAL}`,
      `${T}.{serverCertificate,privateKey,caCertificates}`,
    ],
    "shows the certificate of its files, and asks clients for nothing, for a certificate, or for one if they have it",
    async () => {
      const answer = await ask(SECURE, portOf("simple"), "secure.test", "/", {
        secure: true,
        servername: "secure.test",
        ca: authority.certificate,
      });
      expect(answer.status).toBe(200);
      // The application is asked in the clear.
      expect(answer.echo()).toMatchObject({
        name: "secure",
        headers: { "x-forwarded-proto": "https" },
      });
      expect([await get("simple"), await get("simple", stranger)]).toEqual([200, 200]);
      const tried = async (name: Name) => [
        await get(name),
        await get(name, alice),
        await get(name, stranger),
      ];
      expect(await tried("mutual")).toEqual(["refused", 200, "refused"]);
      expect(await tried("optional")).toEqual([200, 200, "refused"]);
      expect(await tried("other-roots")).toEqual(["refused", "refused", 200]);
    },
  );

  proves(
    "Sidecar",
    [`${T}.caCertCredentialName`],
    "verifies clients against the bundle of a Secret before that of a file",
    async () => {
      const name = "bundle-of-secret";
      expect([await get(name, alice), await get(name, stranger)]).toEqual(["refused", 200]);
    },
  );

  proves(
    "Sidecar",
    [`${T}.caCrl`],
    "lets in nobody whose certificate has been revoked",
    async () => {
      expect([await get("mutual", revoked), await get("crl", revoked)]).toEqual([200, "refused"]);
      expect(await get("crl", alice)).toBe(200);
    },
  );

  proves(
    "Sidecar",
    [`${T}.{verifyCertificateSpki,verifyCertificateHash}`],
    "lets in clients by key or by certificate",
    async () => {
      for (const name of ["spki", "hash"] as const)
        expect([name, await get(name, alice), await get(name, bob)]).toEqual([
          name,
          "refused",
          200,
        ]);
    },
  );

  proves(
    "Sidecar",
    [`${T}.insecureSkipVerify`],
    "lets in whoever shows any certificate",
    async () => {
      expect([await get("untrusted"), await get("untrusted", stranger)]).toEqual(["refused", 200]);
    },
  );

  proves(
    "Sidecar",
    [`${T}.minProtocolVersion={TLS_AUTO,TLSV1_0,TLSV1_1,TLSV1_2,TLSV1_3}`],
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
    "Sidecar",
    [`${T}.maxProtocolVersion={TLS_AUTO,TLSV1_0,TLSV1_1,TLSV1_2,TLSV1_3}`],
    "speaks no version of TLS above the highest",
    async () => {
      for (const [name, highest] of [
        ["at-most-1.0", "TLSv1"],
        ["at-most-1.1", "TLSv1.1"],
        ["at-most-1.2", "TLSv1.2"],
        ["at-most-1.3", "TLSv1.3"],
        ["at-most-any", "TLSv1.3"],
      ] as const)
        expect([name, await version(name, "TLSv1", "TLSv1.3")]).toEqual([name, highest]);
    },
  );

  proves(
    "Sidecar",
    [`${T}.{cipherSuites,ecdhCurves}`],
    "offers the cipher suites and the curves that it is told to",
    async () => {
      expect(await agreed("suites", {})).toMatchObject({
        cipher: "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
      });
      expect(await agreed("suites", { ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256" })).toBe("refused");
      expect(await agreed("curves", { ecdhCurve: "P-384" })).toMatchObject({ protocol: "TLSv1.3" });
      expect(await agreed("curves", { ecdhCurve: "P-256" })).toBe("refused");
      expect(await agreed("simple", { ecdhCurve: "P-256" })).toMatchObject({ protocol: "TLSv1.3" });
    },
  );

  proves(
    "Sidecar",
    [`${T}.mode=PASSTHROUGH`],
    "passes TLS on to an application that takes it off itself",
    async () => {
      const hello = { secure: true, ca: authority.certificate } as const;
      const passed = await greeting(SECURE, TLS_PORT, { ...hello, servername: "application.test" });
      expect(passed.text).toBe("application");
      await expect(
        greeting(SECURE, TLS_PORT, { ...hello, servername: "secure.test" }),
      ).rejects.toThrow(/altnames/);
      // Where TLS is taken off, the same application hears what was inside, which is no TLS.
      const taken = await greeting(SECURE, TLS_PORT + 1, {
        ...hello,
        servername: "secure.test",
        say: "in the clear",
      }).catch(() => ({ text: "" }));
      expect(taken.text).toBe("");
    },
  );

  test("leaves TLS alone where the mesh's own is taken: the application's certificate is seen", async () => {
    const answer = await greeting(MESHED, portOf("simple"), {
      secure: true,
      ca: authority.certificate,
      servername: "application.test",
    });
    expect(answer.text).toBe("meshed");
  });
});

type Version = NonNullable<Hello["minVersion"]>;

function spkiOf({ chain }: Leaf): string {
  const key = new X509Certificate(chain).publicKey.export({ type: "spki", format: "der" });
  return createHash("sha256").update(key).digest("base64");
}

function hashOf({ chain }: Leaf): string {
  return createHash("sha256").update(new X509Certificate(chain).raw).digest("hex");
}
