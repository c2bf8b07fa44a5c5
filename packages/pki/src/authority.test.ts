import { execFileSync } from "node:child_process";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type Authority,
  createRequest,
  createRoot,
  exportPrivateKey,
  generateKeyPair,
  issueIntermediate,
  issueLeaf,
  openAuthority,
  permitsDnsName,
  readRequest,
  spiffeId,
} from "./index.ts";

const now = Date.now();
const identity = spiffeId({
  trustDomain: "td.example",
  namespace: "shop",
  serviceAccount: "reviews",
});
let root: Awaited<ReturnType<typeof createRoot>>;
let folder: string;

beforeAll(async () => {
  root = await createRoot("td.example", { now });
  folder = mkdtempSync(path.join(tmpdir(), "heddle-pki-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** OpenSSL's verdict on a chain: "OK" or its complaint. */
function verdict(chain: string, purpose: "sslserver" | "sslclient"): string {
  const [leaf = "", ...between] = chain.split(/(?<=-----END CERTIFICATE-----\n)/);
  const file = (name: string, content: string) => {
    writeFileSync(path.join(folder, name), content);
    return path.join(folder, name);
  };
  const untrusted = between.length > 0 ? ["-untrusted", file("between.pem", between.join(""))] : [];
  const args = [
    "verify",
    "-x509_strict",
    "-purpose",
    purpose,
    "-CAfile",
    file("root.pem", root.pem),
    ...untrusted,
  ];
  try {
    return execFileSync("openssl", [...args, file("leaf.pem", leaf)], {
      encoding: "utf8",
      stdio: "pipe",
    }).includes(": OK")
      ? "OK"
      : "?";
  } catch (error) {
    return (error as { stderr: string }).stderr;
  }
}

async function delegate(authority: Authority, dnsNames: string[] = []): Promise<Authority> {
  const keys = await generateKeyPair();
  const options = { now, name: "agent-1", dnsNames };
  const { chain } = await issueIntermediate(authority, keys.publicKey, options);
  return openAuthority(authority.trustDomain, chain, await exportPrivateKey(keys.privateKey));
}

describe("a workload's certificate", () => {
  it("is accepted by OpenSSL for both sides of a connection, from the root and from an intermediate", async () => {
    const keys = await generateKeyPair();
    const { publicKey, uris } = await readRequest(await createRequest(keys, identity));
    expect(uris).toEqual([identity]);
    for (const authority of [root.authority, await delegate(root.authority)]) {
      const { chain } = await issueLeaf(authority, publicKey, { now, spiffeId: identity });
      expect(verdict(chain, "sslserver")).toBe("OK");
      expect(verdict(chain, "sslclient")).toBe("OK");
      const leaf = new X509Certificate(chain);
      expect(leaf.subjectAltName).toBe(`URI:${identity}`);
      expect(leaf.checkPrivateKey(createPrivateKey(await exportPrivateKey(keys.privateKey)))).toBe(
        true,
      );
      expect(Date.parse(leaf.validTo) - now).toBeGreaterThan(86_398_000);
      expect(Date.parse(leaf.validFrom)).toBeLessThan(now - 290_000);
    }
  });

  it("may carry DNS names from the root, and an intermediate's are refused", async () => {
    const { publicKey } = await generateKeyPair();
    const options = { now, spiffeId: identity, dnsNames: ["reviews.shop.svc"] };
    expect(verdict((await issueLeaf(root.authority, publicKey, options)).chain, "sslserver")).toBe(
      "OK",
    );
    const delegated = await delegate(root.authority);
    expect(verdict((await issueLeaf(delegated, publicKey, options)).chain, "sslserver")).toMatch(
      /permitted subtree/,
    );
  });

  it("has from an intermediate the DNS names that this was given, and no others", async () => {
    const { publicKey } = await generateKeyPair();
    const agent = [
      "heddle-agent.heddle-system.svc",
      "heddle-agent.heddle-system.svc.cluster.local",
    ];
    const delegated = await delegate(root.authority, agent);
    const judged = async (dnsNames: string[], id = identity) => {
      const { chain } = await issueLeaf(delegated, publicKey, { now, spiffeId: id, dnsNames });
      return verdict(chain, "sslserver");
    };
    expect(await judged(agent)).toBe("OK");
    expect(await judged([])).toBe("OK");
    expect(await judged(["heddle-agent.heddle-system"])).toMatch(/permitted subtree/);
    expect(await judged([...agent, "reviews.shop.svc"])).toMatch(/permitted subtree/);
  });

  it("is told beforehand which DNS names it may have", async () => {
    const keys = await generateKeyPair();
    const { chain } = await issueIntermediate(root.authority, keys.publicKey, {
      ...{ now, name: "agent", dnsNames: ["agent.heddle.svc"] },
    });
    const agent = await openAuthority("td.example", chain, await exportPrivateKey(keys.privateKey));
    const names = ["web.shop.workload.td.example", "agent.heddle.svc", "web.shop.svc"];
    expect(names.filter((name) => permitsDnsName(agent, name))).toEqual(names.slice(0, 2));
    expect(names.filter((name) => permitsDnsName(root.authority, name))).toEqual(names);
  });

  it("of another trust domain is neither issued nor, where an intermediate lies, accepted", async () => {
    const { publicKey } = await generateKeyPair();
    const foreign = "spiffe://c1.td.example/ns/shop/sa/reviews";
    await expect(
      issueLeaf(root.authority, publicKey, { now, spiffeId: foreign }),
    ).rejects.toMatchObject({ code: "HDL7103" });
    const lying = { ...(await delegate(root.authority)), trustDomain: "c1.td.example" };
    const { chain } = await issueLeaf(lying, publicKey, { now, spiffeId: foreign });
    expect(verdict(chain, "sslserver")).toMatch(/subtree/);
  });

  it("never outlives its issuer, and an expired issuer signs nothing", async () => {
    const brief = await createRoot("td.example", { now, lifetime: 60_000 });
    const { publicKey } = await generateKeyPair();
    const { notAfter } = await issueLeaf(brief.authority, publicKey, { now, spiffeId: identity });
    expect(notAfter.getTime() - now).toBeLessThanOrEqual(60_000);
    await expect(
      issueLeaf(brief.authority, publicKey, { now: now + 61_000, spiffeId: identity }),
    ).rejects.toMatchObject({
      code: "HDL7105",
    });
    await expect(
      issueLeaf(root.authority, publicKey, { now, lifetime: 10, spiffeId: identity }),
    ).rejects.toMatchObject({
      code: "HDL7106",
    });
  });
});

describe("a certificate request", () => {
  it("is refused where its signature is not its own key's, or it is no request", async () => {
    const pem = await createRequest(await generateKeyPair(), identity);
    const der = Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ""), "base64");
    der[der.length - 5] = (der[der.length - 5] as number) ^ 1;
    const forged = `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString("base64")}\n-----END CERTIFICATE REQUEST-----\n`;
    await expect(readRequest(forged)).rejects.toMatchObject({ code: "HDL7101" });
    await expect(readRequest("hello")).rejects.toMatchObject({ code: "HDL7101" });
  });

  it("may name what its holder's server is called, if these are names and not many", async () => {
    const keys = await generateKeyPair();
    const read = async (names: string[]) => readRequest(await createRequest(keys, identity, names));
    const names = ["heddle-agent.heddle-system.svc", "agent.example"];
    expect((await read(names)).dnsNames).toEqual(names);
    const many = Array.from({ length: 17 }, (_, index) => `n${index}.example`);
    for (const bad of [["*.example"], ["Agent.example"], [`${"a".repeat(64)}.example`], many])
      await expect(read(bad)).rejects.toMatchObject({ code: "HDL7108" });
  });

  it("is refused with another kind of key", async () => {
    const algorithm = { name: "ECDSA", namedCurve: "P-384" };
    const keys = (await crypto.subtle.generateKey(algorithm, true, [
      "sign",
      "verify",
    ])) as CryptoKeyPair;
    await expect(readRequest(await createRequest(keys, identity))).rejects.toMatchObject({
      code: "HDL7102",
    });
  });
});

describe("an identity", () => {
  it("is refused where a part is no name", () => {
    for (const bad of ["shop/sa/x", "", "Shop", "a".repeat(300), "../x"])
      expect(
        () => spiffeId({ trustDomain: "td", namespace: bad, serviceAccount: "x" }),
        bad,
      ).toThrow();
  });
});
