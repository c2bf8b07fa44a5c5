/** What is issued to requests with keys of both kinds, and which certificates are taken for an identity. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  assertOwnNames,
  assertServerNames,
  createRoot,
  exportPrivateKey,
  generateKeyPair,
  issueIntermediate,
  issueLeaf,
  openAuthority,
  readRequest,
  readSvid,
  spiffeId,
  workloadName,
} from "./index.ts";

const now = Date.now();
const web = { trustDomain: "td.example", namespace: "shop", serviceAccount: "web" };
const identity = spiffeId(web);
let folder: string;
let root: Awaited<ReturnType<typeof createRoot>>;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "heddle-svid-"));
  root = await createRoot(web.trustDomain, { now });
});
afterAll(() => rmSync(folder, { recursive: true }));

const place = (name: string) => path.join(folder, name);
function openssl(...args: string[]): string {
  return execFileSync("openssl", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

/** A request by OpenSSL: with a key of these options, and these names. */
function request(key: readonly string[], names = `URI:${identity}`, more: string[] = []): string {
  const files = ["-nodes", "-keyout", place("key.pem"), "-out", place("request.pem")];
  const asked = ["-subj", "/CN=anybody", "-addext", `subjectAltName=${names}`];
  openssl("req", "-new", ...key, ...files, ...asked, ...more);
  return readFileSync(place("request.pem"), "utf8");
}
/** Of more primes than two, which are found sooner. */
const rsa = (bits: number) => ["-newkey", `rsa:${bits}`, "-pkeyopt", "rsa_keygen_primes:3"];
const P256 = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];

/** A certificate by OpenSSL, signed by itself, with these extensions. */
function certificate(...extensions: string[]): string {
  const asked = extensions.flatMap((each) => ["-addext", each]);
  const config = place("empty.cnf");
  writeFileSync(config, "[req]\ndistinguished_name=dn\n[dn]\n");
  return openssl(
    ...["req", "-x509", "-config", config, ...P256, "-nodes", "-keyout", place("key.pem")],
    ...["-subj", "/", "-days", "1", ...asked],
  );
}

describe("a request with an RSA key", () => {
  it("is certified from 2048 to 4096 bits, and OpenSSL verifies the leaf on both sides", async () => {
    writeFileSync(place("root.pem"), root.pem);
    for (const bits of [2048, 4096]) {
      const { publicKey, uris } = await readRequest(request(rsa(bits)));
      expect(uris).toEqual([identity]);
      const { chain } = await issueLeaf(root.authority, publicKey, { now, spiffeId: identity });
      writeFileSync(place("leaf.pem"), chain);
      for (const purpose of ["sslserver", "sslclient"])
        expect(
          openssl(
            ...["verify", "-x509_strict", "-purpose", purpose, "-CAfile", place("root.pem")],
            place("leaf.pem"),
          ),
        ).toContain("OK");
      expect(readSvid(chain)).toMatchObject({ spiffeId: identity, dnsNames: [] });
    }
  });

  it("is refused where the key is weak, costly or of an unusual exponent, before its signature is looked at", async () => {
    for (const key of [rsa(1024), rsa(4608), [...rsa(2048), "-pkeyopt", "rsa_keygen_pubexp:3"]])
      await expect(readRequest(request(key)), key.join(" ")).rejects.toMatchObject({
        code: "HDL7102",
        message: expect.stringContaining("RSA, "),
      });
    const ed25519 = request(["-newkey", "ed25519"]);
    await expect(readRequest(ed25519)).rejects.toMatchObject({ code: "HDL7102" });
  });

  it("is refused where a hash that can be collided signs it", async () => {
    const pem = request(rsa(2048), undefined, ["-sha1"]);
    await expect(readRequest(pem)).rejects.toMatchObject({ code: "HDL7101" });
  });
});

describe("names", () => {
  it("of other kinds than URI and DNS are refused, and not left out", async () => {
    for (const name of ["IP:10.0.0.1", "email:root@shop.example", "RID:1.2.3"])
      await expect(
        readRequest(request(P256, `URI:${identity},${name}`)),
        name,
      ).rejects.toMatchObject({ code: "HDL7110" });
  });

  it("of a workload are of its own namespace, and of no other", () => {
    const own = workloadName("web-v1", web) ?? "";
    expect(own).toBe("web-v1.shop.workload.td.example");
    expect(() => assertOwnNames(identity, [own, "web.shop", "web.shop.svc"])).not.toThrow();
    expect(() => assertOwnNames(identity, ["agent.example.com"])).not.toThrow();
    const others = [
      "web-v1.pay.workload.td.example",
      "a.shop.pay.workload.td.example",
      "a.web-v1.shop.workload.td.example",
      "workload.td.example",
      "pay.workload.td.example",
      "web",
      "web.pay",
      "web.pay.svc",
      "web.pay.svc.cluster.local",
    ];
    for (const name of others)
      expect(() => assertOwnNames(identity, [name]), name).toThrow(
        expect.objectContaining({ code: "HDL7111" }),
      );
    expect(() => assertOwnNames(identity, [own, own.replace("v1", "v2")])).toThrow(
      expect.objectContaining({ code: "HDL7111" }),
    );
    expect(workloadName("Web_1", web)).toBeUndefined();
    expect(workloadName("a.b", web)).toBeUndefined();
  });

  it("of an authority are servers', and no zone's", () => {
    expect(() => assertServerNames(["heddle-agent.heddle-system"])).not.toThrow();
    expect(() => assertServerNames(["heddle-agent.heddle-system.svc.cluster.local"])).not.toThrow();
    for (const name of ["svc", "shop", "svc.cluster.local", "shop.svc", "shop.svc.cluster.local"])
      expect(() => assertServerNames([name]), name).toThrow(
        expect.objectContaining({ code: "HDL7111" }),
      );
  });
});

describe("a certificate", () => {
  it("with a workload's name is issued by an intermediate too, and OpenSSL takes no name of another zone", async () => {
    const keys = await generateKeyPair();
    const { chain: own } = await issueIntermediate(root.authority, keys.publicKey, {
      now,
      name: "a",
    });
    writeFileSync(place("root.pem"), root.pem);
    writeFileSync(place("between.pem"), own);
    const authority = await openAuthority(
      web.trustDomain,
      own,
      await exportPrivateKey(keys.privateKey),
    );
    const judged = async (...dnsNames: string[]) => {
      const options = { now, spiffeId: identity, dnsNames };
      const { chain } = await issueLeaf(authority, keys.publicKey, options);
      writeFileSync(place("leaf.pem"), chain);
      const files = ["-CAfile", place("root.pem"), "-untrusted", place("between.pem")];
      try {
        return openssl("verify", "-x509_strict", ...files, place("leaf.pem"));
      } catch (error) {
        return (error as { stderr: string }).stderr;
      }
    };
    expect(await judged("web-v1.shop.workload.td.example")).toContain("OK");
    expect(await judged()).toContain("OK");
    expect(await judged("web-v1.shop.workload.other.example")).toContain("permitted subtree");
  });

  it("is an identity's only by the rules of X.509-SVID", () => {
    const uri = `subjectAltName=URI:${identity}`;
    const usage = "keyUsage=critical,digitalSignature";
    const leaf = "basicConstraints=critical,CA:false";
    expect(readSvid(certificate(uri, usage, leaf))).toMatchObject({ spiffeId: identity });
    expect(readSvid(certificate(uri, usage)).dnsNames).toEqual([]);
    const long = `subjectAltName=URI:spiffe://td.example/${"a".repeat(2048)}`;
    const cases: [string, string[]][] = [
      ["0 URIs", [usage, leaf]],
      ["0 URIs", ["subjectAltName=DNS:web.shop.svc", usage, leaf]],
      ["2 URIs", [`${uri},URI:${identity}2`, usage, leaf]],
      ["an authority's", [uri, usage, "basicConstraints=critical,CA:true"]],
      ["no critical key usage", [uri, leaf]],
      ["no critical key usage", [uri, "keyUsage=digitalSignature", leaf]],
      ["may not sign", [uri, "keyUsage=critical,keyEncipherment", leaf]],
      ["may sign certificates", [uri, `${usage},keyCertSign`, leaf]],
      ["revocation lists", [uri, `${usage},cRLSign`, leaf]],
      ["extended key usage", [uri, usage, leaf, "extendedKeyUsage=serverAuth"]],
      ["not a workload's", ["subjectAltName=URI:https://td.example/ns/shop", usage, leaf]],
      ["not a workload's", ["subjectAltName=URI:spiffe://td.example", usage, leaf]],
      ["not a workload's", ["subjectAltName=URI:spiffe://td.example/a/../b", usage, leaf]],
      ["not a workload's", ["subjectAltName=URI:spiffe://td.example:80/a", usage, leaf]],
      ["bytes", [long, usage, leaf]],
    ];
    for (const [why, extensions] of cases)
      expect(() => readSvid(certificate(...extensions)), extensions.join(" ")).toThrow(
        expect.objectContaining({ code: "HDL7109", message: expect.stringContaining(why) }),
      );
    expect(() => readSvid("hello")).toThrow(expect.objectContaining({ code: "HDL7109" }));
  });

  it("of any namespace and account is read as it was issued", async () => {
    const keys = await generateKeyPair();
    const name = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?$/);
    await fc.assert(
      fc.asyncProperty(name, name, name, async (namespace, serviceAccount, workload) => {
        const who = { trustDomain: web.trustDomain, namespace, serviceAccount };
        const id = spiffeId(who);
        const dnsNames = [workloadName(workload, who)].filter((each) => each !== undefined);
        assertOwnNames(id, dnsNames);
        const options = { now, spiffeId: id, dnsNames };
        const { chain } = await issueLeaf(root.authority, keys.publicKey, options);
        expect(readSvid(chain)).toMatchObject({ spiffeId: id, dnsNames });
      }),
      { numRuns: 50 },
    );
  });
});
