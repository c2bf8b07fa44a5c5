import { generateKeyPairSync, type KeyObject } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { doubtfulKeys, jwksError, signingKeys } from "./jwks.ts";

type Jwk = Record<string, unknown>;

const jwkOf = ({ publicKey }: { publicKey: KeyObject }): Jwk => ({
  ...publicKey.export({ format: "jwk" }),
});
const rsa = (modulusLength = 2048, publicExponent = 65_537) =>
  jwkOf(generateKeyPairSync("rsa", { modulusLength, publicExponent }));
const ec = (namedCurve: string) => jwkOf(generateKeyPairSync("ec", { namedCurve }));
const ed = jwkOf(generateKeyPairSync("ed25519"));
const [one, p256] = [rsa(), ec("P-256")];

const fit = (key: Jwk, options?: { shared: boolean }) =>
  signingKeys(JSON.stringify({ keys: [key] }), options)?.keys.length === 1;

describe("a signature is checked with", () => {
  test.each([
    ["RSA", one],
    ["RSA with the exponent 3", rsa(2048, 3)],
    ["RSA for PS256", { ...one, alg: "PS256", use: "sig", kid: "a" }],
    ["P-256", p256],
    ["P-384", { ...ec("P-384"), alg: "ES384" }],
    ["P-521", { ...ec("P-521"), alg: "ES512" }],
    ["Ed25519", { ...ed, alg: "EdDSA" }],
  ])("a key of %s", (_, key) => {
    expect(fit(key)).toBe(true);
    expect(doubtfulKeys(JSON.stringify(key))).toEqual([]);
  });

  test.each([
    ["for encryption", { ...one, use: "enc" }],
    ["for an algorithm of encryption", { ...one, alg: "RSA-OAEP" }],
    ["for an algorithm of another type", { ...one, alg: "ES256" }],
    ["for an algorithm of another curve", { ...p256, alg: "ES384" }],
    ["of 1024 bits", rsa(1024)],
    ["of 32768 bits", { ...one, n: Buffer.alloc(4096, 0xff).toString("base64url") }],
    ["with another exponent", rsa(2048, 17)],
    ["with an exponent of 1", { ...one, e: "AQ" }],
    ["with an even modulus", { ...one, n: Buffer.alloc(256, 0xfe).toString("base64url") }],
    ["with a modulus of zeros", { ...one, n: Buffer.alloc(256).toString("base64url") }],
    ["with padding", { ...one, n: `${String(one["n"])}=` }],
    ["with a kid that is no text", { ...one, kid: 7 }],
    ["off its curve", { ...p256, y: p256["x"] }],
    ["of another curve's length", { ...p256, crv: "P-384" }],
    ["of secp256k1", ec("secp256k1")],
    ["of Ed448", jwkOf(generateKeyPairSync("ed448"))],
    ["of X25519, which is for encryption", jwkOf(generateKeyPairSync("x25519"))],
    ["of Ed25519 and too short", { ...ed, x: "AAAA" }],
    ["of a type that nobody knows", { kty: "AKP", pub: "AAAA" }],
    ["of no type", { n: "AQAB" }],
  ])("no key %s", (_, key) => {
    expect(fit(key)).toBe(false);
  });

  test("a shared secret only where it was not published", () => {
    const secret = { kty: "oct", k: "c2VjcmV0" };
    expect([fit(secret), fit(secret, { shared: true })]).toEqual([false, true]);
    expect(doubtfulKeys(JSON.stringify(secret))).toEqual([{ index: 0, what: "shared" }]);
  });
});

test("of a key that counts the public part alone is taken", () => {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const key = { ...privateKey.export({ format: "jwk" }), kid: "a", "x-note": "b" } as Jwk;
  const text = JSON.stringify({ keys: [{ kty: "?" }, key] });
  const { keys, all } = signingKeys(text) ?? {};
  expect(all).toBe(2);
  expect(keys).toEqual([{ kty: "EC", crv: "P-256", x: key["x"], y: key["y"], kid: "a" }]);
  expect(doubtfulKeys(JSON.stringify(key))).toEqual([{ index: 0, what: "private" }]);
});

test("any text and any value is answered", () => {
  const member = fc.oneof(
    fc.string(),
    fc.constantFrom("RSA", "EC", "OKP", "oct", "P-256"),
    fc.jsonValue(),
  );
  const key = fc.dictionary(
    fc.constantFrom("kty", "n", "e", "crv", "x", "y", "k", "alg", "use"),
    member,
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(key).map((keys) => JSON.stringify({ keys })),
      ),
      (text) => {
        signingKeys(text);
        if (jwksError(text) === undefined) doubtfulKeys(text);
      },
    ),
  );
});
