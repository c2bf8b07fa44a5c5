/** A tenant's root signs the plane's intermediate with OpenSSL; what comes back is taken, or refused with what is wrong where. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  createAuthorityRequest,
  exportPrivateKey,
  generateKeyPair,
  issueIntermediate,
  issueLeaf,
  openAuthority,
  readAuthorityChain,
} from "./index.ts";

const TRUST_DOMAIN = "td.example";
const DAY = 86_400_000;
const now = Date.now();
const CA = "basicConstraints=critical,CA:TRUE";
const USAGE = "keyUsage=critical,keyCertSign,cRLSign";
const SAN = `subjectAltName=URI:spiffe://${TRUST_DOMAIN}`;
const SIGNED = [`${CA},pathlen:1`, USAGE, SAN];

let folder: string;
let keys: CryptoKeyPair;
let spki: ArrayBuffer;
let root: string;

const place = (name: string) => path.join(folder, name);
function openssl(...args: string[]): string {
  return execFileSync("openssl", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

const EC = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"];
/** A self-signed root; its key stays in `<name>.key`. */
function makeRoot(name: string, extensions = [CA, USAGE], key = EC, subject = name): string {
  writeFileSync(place("req.cnf"), "[req]\ndistinguished_name=dn\n[dn]\n");
  return openssl(
    ...["req", "-x509", "-config", place("req.cnf"), ...key, "-nodes", "-keyout"],
    ...[place(`${name}.key`), "-out", "-", "-subj", `/O=Acme/CN=${subject}`, "-days", "3650"],
    ...extensions.flatMap((each) => ["-addext", each]),
  );
}

/** What `signer` makes of the request, with these extensions. */
function sign(
  signer: { name: string; pem: string },
  extensions: string[],
  request = place("request.pem"),
  more = ["-days", "365"],
): string {
  writeFileSync(place(`${signer.name}.pem`), signer.pem);
  writeFileSync(place("extensions.cnf"), extensions.join("\n"));
  return openssl(
    ...["x509", "-req", "-in", request, "-CA", place(`${signer.name}.pem`)],
    ...["-CAkey", place(`${signer.name}.key`), "-CAcreateserial", ...more],
    ...["-extfile", place("extensions.cnf")],
  );
}

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "heddle-chain-"));
  keys = await generateKeyPair();
  spki = await crypto.subtle.exportKey("spki", keys.publicKey);
  writeFileSync(place("request.pem"), await createAuthorityRequest(keys, TRUST_DOMAIN));
  root = makeRoot("root");
});
afterAll(() => rmSync(folder, { recursive: true }));

const acme = () => ({ name: "root", pem: root });
const read = (pem: string, at = Date.now()) =>
  readAuthorityChain(pem, { trustDomain: TRUST_DOMAIN, spki, now: at });
/** Of certificates that come between: an authority of its own, with a key in `<name>.key`. */
function between(name: string, extensions: string[]): { name: string; pem: string } {
  const request = place(`${name}.req`);
  openssl(
    "req",
    "-new",
    ...EC,
    "-nodes",
    "-keyout",
    place(`${name}.key`),
    "-out",
    request,
    "-subj",
    `/CN=${name}`,
  );
  return { name, pem: sign(acme(), extensions, request) };
}

describe("an intermediate of the tenant's root", () => {
  it("signs agents' intermediates and leaves that OpenSSL verifies by that root alone", async () => {
    const { chain, root: trusted, notAfter } = await read(sign(acme(), SIGNED) + root);
    expect(Math.round((notAfter.getTime() - now) / DAY)).toBe(365);
    const authority = await openAuthority(
      TRUST_DOMAIN,
      chain,
      await exportPrivateKey(keys.privateKey),
    );
    const agent = await generateKeyPair();
    const delegated = await issueIntermediate(authority, agent.publicKey, { now, name: "a" });
    const signing = await openAuthority(
      TRUST_DOMAIN,
      delegated.chain,
      await exportPrivateKey(agent.privateKey),
    );
    const spiffeId = `spiffe://${TRUST_DOMAIN}/ns/shop/sa/web`;
    writeFileSync(place("trusted.pem"), trusted);
    for (const issuer of [authority, signing]) {
      const leaf = await issueLeaf(issuer, agent.publicKey, { now, spiffeId });
      writeFileSync(place("leaf.pem"), leaf.chain);
      const files = ["-CAfile", place("trusted.pem"), "-untrusted", place("leaf.pem")];
      expect(openssl("verify", "-x509_strict", ...files, place("leaf.pem"))).toContain("OK");
    }
  });

  it("may be signed through others, by RSA, with OpenSSL's own copy of what the request asks for, or with another key identifier", async () => {
    const policy = between("policy", [`${CA},pathlen:2`, USAGE]);
    expect((await read(sign(policy, SIGNED) + policy.pem + root)).root).toBe(root);
    const rsa = makeRoot("rsa", [CA, USAGE], ["-newkey", "rsa:3072"]);
    await expect(read(sign({ name: "rsa", pem: rsa }, SIGNED) + rsa)).resolves.toBeDefined();
    const copied = sign(acme(), [], place("request.pem"), [
      "-days",
      "90",
      "-copy_extensions",
      "copyall",
    ]);
    await expect(read(copied + root)).resolves.toBeDefined();
    const constrained = [
      ...SIGNED,
      `nameConstraints=critical,permitted;URI:${TRUST_DOMAIN},excluded;URI:.${TRUST_DOMAIN}`,
    ];
    await expect(read(sign(acme(), constrained) + root)).resolves.toBeDefined();
    // Made in a way of the tenant's own: leaves have to name the issuer's key as that certificate does.
    const odd = sign(acme(), [...SIGNED, "subjectKeyIdentifier=01:02:03:04:05"]);
    const { chain } = await read(odd + root);
    const authority = await openAuthority(
      TRUST_DOMAIN,
      chain,
      await exportPrivateKey(keys.privateKey),
    );
    const spiffeId = `spiffe://${TRUST_DOMAIN}/ns/shop/sa/web`;
    const leaf = await issueLeaf(authority, keys.publicKey, { now, spiffeId });
    writeFileSync(place("trusted.pem"), root);
    writeFileSync(place("leaf.pem"), leaf.chain);
    const files = ["-CAfile", place("trusted.pem"), "-untrusted", place("leaf.pem")];
    expect(openssl("verify", "-x509_strict", ...files, place("leaf.pem"))).toContain("OK");
  });

  it("is refused for what is wrong, with the certificate that it is wrong in", async () => {
    const good = sign(acme(), SIGNED);
    const other = makeRoot("other");
    const weak = makeRoot("weak", [CA, USAGE], ["-newkey", "rsa:1024"]);
    const sha1 = sign(acme(), SIGNED, undefined, ["-days", "365", "-sha1"]);
    const shallow = makeRoot("shallow", [`${CA},pathlen:1`, USAGE]);
    const notOne = makeRoot("leaf", ["basicConstraints=critical,CA:FALSE"]);
    const short = between("short", [`${CA},pathlen:1`, USAGE]);
    writeFileSync(
      place("foreign.pem"),
      await createAuthorityRequest(await generateKeyPair(), TRUST_DOMAIN),
    );
    const with_ = (...extensions: string[]) => sign(acme(), extensions) + root;
    const key = readFileSync(place("root.key"), "utf8");
    const cases: [string, RegExp, string][] = [
      ["HDL7113", /0 certificates/, "hello"],
      ["HDL7113", /1 certificates/, good],
      ["HDL7113", /private key/, good + root + key],
      ["HDL7113", /6 certificates/, good + root.repeat(5)],
      [
        "HDL7113",
        /certificate 1 of 2 cannot be read/,
        good.replace(/\n(\w{8})/, "\nAAAAAAAA") + root,
      ],
      ["HDL7114", /certificate 1 of 2 .*signed/, good + other],
      [
        "HDL7114",
        /not by the key of certificate 2 of 2/,
        good + makeRoot("twin", [CA, USAGE], EC, "root"),
      ],
      ["HDL7114", /as a root has to be/, sign(short, SIGNED) + short.pem],
      ["HDL7115", /certificate 1 of 2 .*its key/, root + good],
      [
        "HDL7115",
        /certificate 1 of 2 .*its key/,
        sign(acme(), SIGNED, place("foreign.pem")) + root,
      ],
      ["HDL7116", /lack CA:TRUE/, with_("basicConstraints=critical,CA:FALSE", SAN)],
      ["HDL7116", /not critical/, with_("basicConstraints=CA:TRUE", USAGE, SAN)],
      ["HDL7116", /lacks keyCertSign/, with_(CA, "keyUsage=critical,digitalSignature", SAN)],
      ["HDL7116", /certificate 2 of 2/, sign({ name: "leaf", pem: notOne }, SIGNED) + notOne],
      ["HDL7117", /path length is 0; below it there are 1/, with_(`${CA},pathlen:0`, USAGE, SAN)],
      [
        "HDL7117",
        /certificate 2 of 3 .*path length is 1.* are 2/,
        sign(short, SIGNED) + short.pem + root,
      ],
      [
        "HDL7117",
        /certificate 2 of 2 .*path length is 1.* are 2/,
        sign({ name: "shallow", pem: shallow }, SIGNED) + shallow,
      ],
      ["HDL7118", /within 14 days/, sign(acme(), SIGNED, undefined, ["-days", "13"]) + root],
      [
        "HDL7119",
        /spiffe:\/\/c1.td.example's/,
        with_(CA, USAGE, "subjectAltName=URI:spiffe://c1.td.example"),
      ],
      [
        "HDL7119",
        /do not permit the URI/,
        with_(CA, USAGE, "nameConstraints=permitted;URI:other.example"),
      ],
      [
        "HDL7119",
        /do not permit the URI/,
        with_(CA, USAGE, `nameConstraints=excluded;URI:${TRUST_DOMAIN}`),
      ],
      [
        "HDL7119",
        /DNS name workload.td.example/,
        with_(CA, USAGE, "nameConstraints=permitted;DNS:acme.example"),
      ],
      ["HDL7120", /RSA, 1024 bits/, sign({ name: "weak", pem: weak }, SIGNED) + weak],
      ["HDL7120", /SHA-1 has signed it/, sha1 + root],
      ["HDL7121", /1.2.3.4/, with_(CA, USAGE, "1.2.3.4=critical,DER:0500")],
      ["HDL7121", /extended key usage/, with_(CA, USAGE, "extendedKeyUsage=codeSigning")],
    ];
    for (const [code, message, pem] of cases)
      await expect(read(pem), `${code} ${message}`).rejects.toMatchObject({
        code,
        message: expect.stringMatching(message),
      });
    await expect(read(good + root, now + 366 * DAY)).rejects.toMatchObject({
      code: "HDL7118",
      message: expect.stringContaining("expired"),
    });
    await expect(read(good + root, now - 30 * DAY)).rejects.toMatchObject({
      code: "HDL7118",
      message: expect.stringContaining("not valid before"),
    });
  });
});
