/** What is written as a bundle is read again, OpenSSL's roots are taken, and nothing else is. */
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import {
  createRoot,
  exportPrivateKey,
  generateKeyPair,
  issueLeaf,
  MAX_BUNDLE_CHARACTERS,
  readBundle,
  ROOT_LIFETIME,
  type SpiffeBundle,
  spiffeId,
  splitPem,
  writeBundle,
} from "./index.ts";

const OWN = "td.example";
const now = Date.now();
const asked = { trustDomain: OWN, now };

let roots: string[];
let stranger: string;
let expired: string;
let leaf: string;
let document: SpiffeBundle;

beforeAll(async () => {
  const first = await createRoot(OWN, { now });
  const second = await createRoot(OWN, { now });
  roots = [first.pem, second.pem];
  stranger = (await createRoot("other.example", { now })).pem;
  expired = (await createRoot(OWN, { now: now - 2 * ROOT_LIFETIME })).pem;
  const id = spiffeId({ trustDomain: OWN, namespace: "a", serviceAccount: "b" });
  const keys = await generateKeyPair();
  const issued = await issueLeaf(first.authority, keys.publicKey, { now, spiffeId: id });
  leaf = splitPem(issued.chain)[0] ?? "";
  document = await writeBundle(roots.join(""), { sequence: 7, refreshHint: 60 });
});

describe("a bundle", () => {
  it("has a key for each root as SPIFFE wants it, and no other", () => {
    expect(document).toMatchObject({ spiffe_sequence: 7, spiffe_refresh_hint: 60 });
    expect(document.keys).toHaveLength(2);
    for (const [index, { use, kty, crv, x5c, ...rest }] of document.keys.entries()) {
      expect({ use, kty, crv }).toEqual({ use: "x509-svid", kty: "EC", crv: "P-256" });
      expect(Object.keys(rest).toSorted()).toEqual(["x", "y"]);
      const body = roots[index]?.replaceAll(/-----[^-]+-----|\s/g, "");
      expect(x5c).toEqual([body]);
    }
  });

  it("is read as it was written, in any order, each root once, as JSON and as PEM", () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(1), { minLength: 1, maxLength: 12 }),
        fc.nat(),
        fc.boolean(),
        (chosen, sequence, asJson) => {
          const keys = chosen.map((index) => document.keys[index]);
          const text = asJson
            ? JSON.stringify({ keys, spiffe_sequence: sequence })
            : chosen.map((index) => roots[index]).join("between\n");
          const read = readBundle(text, asked);
          expect(splitPem(read.roots)).toEqual([...new Set(chosen)].map((index) => roots[index]));
          expect(read.sequence).toBe(asJson ? sequence : undefined);
        },
      ),
    );
  });

  it("is read beside keys of other uses, which do not count", () => {
    const jwt = { kty: "EC", crv: "P-256", use: "jwt-svid", kid: "k", x: "", y: "" };
    const text = JSON.stringify({ ...document, keys: [jwt, ...document.keys, { kty: "EC" }] });
    expect(readBundle(text, asked)).toEqual({
      ...{ roots: roots.join(""), sequence: 7, refreshHint: 60 },
    });
  });

  it("loses roots that have expired", () => {
    expect(readBundle(expired + roots[0], asked).roots).toBe(roots[0]);
  });
});

describe("what is no bundle to go by", () => {
  const x5c = (of: string) => of.replaceAll(/-----[^-]+-----|\s/g, "");
  const json = (...keys: unknown[]) => JSON.stringify({ keys });
  const key = (...chain: string[]) => ({ kty: "EC", use: "x509-svid", x5c: chain });
  it.each<[name: string, text: () => string, code: string, says: string]>([
    ["nothing", () => "", "HDL7122", "neither"],
    ["a text", () => "roots", "HDL7122", "neither"],
    ["broken JSON", () => '{"keys":[', "HDL7122", "no JSON"],
    ["JSON of another shape", () => '{"keys":{}}', "HDL7122", "no list"],
    ["keys for tokens alone", () => json({ use: "jwt-svid" }), "HDL7122", "none of its keys"],
    ["an empty set", () => json(), "HDL7122", "none of its keys"],
    ["a key without a certificate", () => json({ use: "x509-svid" }), "HDL7122", "key 1"],
    ["a key with two", () => json(key("a", "b")), "HDL7122", "one certificate"],
    ["what is no certificate", () => json(key("AAAA")), "HDL7122", "cannot be read"],
    [
      "a sequence that is none",
      () => JSON.stringify({ ...document, spiffe_sequence: -1 }),
      "HDL7122",
      "spiffe_sequence",
    ],
    ["too much", () => roots[0] + " ".repeat(MAX_BUNDLE_CHARACTERS), "HDL7122", "characters"],
    ["a leaf", () => leaf, "HDL7123", "CA:TRUE"],
    [
      "a leaf beside a root",
      () => json(key(x5c(roots[0] ?? "")), key(x5c(leaf))),
      "HDL7123",
      "certificate 2 of 2",
    ],
    ["another trust domain's root", () => stranger, "HDL7124", "spiffe://other.example"],
    ["another's beside the own", () => roots[0] + stranger, "HDL7124", "certificate 2 of 2"],
    ["an expired root alone", () => expired, "HDL7125", "expired"],
  ])("%s", (_, text, code, says) => {
    const read = () => readBundle(text(), asked);
    expect(read).toThrow(expect.objectContaining({ code }));
    expect(read).toThrow(says);
  });

  it("a root that is not valid yet", () => {
    expect(() => readBundle(roots[0] ?? "", { ...asked, now: now - ROOT_LIFETIME })).toThrow("yet");
  });

  it("a private key, which is nobody's to give away", async () => {
    const { privateKey } = await generateKeyPair();
    const text = roots[0] + (await exportPrivateKey(privateKey));
    expect(() => readBundle(text, asked)).toThrow(expect.objectContaining({ code: "HDL7122" }));
  });

  it("more roots than a trust domain has", async () => {
    const many = await Promise.all(Array.from({ length: 9 }, () => createRoot(OWN, { now })));
    const text = many.map(({ pem }) => pem).join("");
    expect(() => readBundle(text, asked)).toThrow("9 roots");
  });

  it("any text: it is refused with a code, and nothing else is thrown", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(() => readBundle(text, asked)).toThrow(
          expect.objectContaining({ code: expect.stringMatching(/^HDL712[2-5]$/) }),
        );
      }),
    );
  });
});
