import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { AgentLog } from "../log.ts";
import { createClusterKeys } from "./cluster-keys.ts";
import { checkedToken } from "./account-token.ts";

const silent: AgentLog = { info() {}, warn() {}, error() {} };
const ISSUER = "https://kubernetes.default.svc";

/** An API server, as far as it publishes keys. */
function cluster() {
  const keys = new Map<string, KeyObject>();
  const jwks: object[] = [];
  const asked = { times: 0, away: false, issuer: ISSUER };
  return {
    asked,
    addKey(kid: string) {
      const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
      keys.set(kid, pair.privateKey);
      jwks.push({ ...pair.publicKey.export({ format: "jwk" }), kid, alg: "ES256", use: "sig" });
    },
    async read(path: string): Promise<unknown> {
      if (asked.away) throw new Error("connection refused");
      if (path !== "/openid/v1/jwks") return { issuer: asked.issuer };
      asked.times++;
      return { keys: [...jwks] };
    },
    token(kid: string, claims: object = {}) {
      const now = Math.floor(Date.now() / 1000);
      const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
      const text = `${part({ alg: "ES256", kid })}.${part({
        ...{ iss: ISSUER, aud: ["heddle"], iat: now, exp: now + 600 },
        "kubernetes.io": {
          ...{ namespace: "shop", serviceaccount: { name: "web", uid: "1" } },
          pod: { name: "web-1", uid: "2" },
        },
        ...claims,
      })}`;
      const key = keys.get(kid);
      if (!key) throw new Error(`no key ${kid}`);
      const signature = sign("sha256", Buffer.from(text), { key, dsaEncoding: "ieee-p1363" });
      return `${text}.${signature.toString("base64url")}`;
    },
  };
}

describe("the keys of a cluster", () => {
  it("are read once, and again for a key that is not among them, but not for every such token", async () => {
    const of = cluster();
    of.addKey("one");
    let now = 0;
    const keys = createClusterKeys(of.read, silent, () => now);
    const check = (token: string) => checkedToken(token, "heddle", keys);
    expect(await check(of.token("one"))).toMatchObject({ pod: "web-1", serviceAccount: "web" });
    await check(of.token("one"));
    expect(of.asked.times).toBe(1);
    const other = cluster();
    other.addKey("strange");
    now += 20_000;
    for (let time = 0; time < 5; time++)
      await expect(check(other.token("strange"))).rejects.toMatchObject({ code: "HDL7251" });
    expect(of.asked.times).toBe(2);
    of.addKey("two");
    await expect(check(of.token("two"))).rejects.toMatchObject({ code: "HDL7251" });
    now += 20_000;
    expect(await check(of.token("two"))).toMatchObject({ uid: "2" });
  });

  it("stay while the API server is away, and are nobody's guess before it was there", async () => {
    const of = cluster();
    of.addKey("one");
    let now = 0;
    const keys = createClusterKeys(of.read, silent, () => now);
    of.asked.away = true;
    expect(await checkedToken(of.token("one"), "heddle", keys)).toBeUndefined();
    of.asked.away = false;
    now += 20_000;
    expect(await checkedToken(of.token("one"), "heddle", keys)).toBeDefined();
    of.asked.away = true;
    now += 24 * 3_600_000;
    expect(await checkedToken(of.token("one"), "heddle", keys)).toBeDefined();
  });

  it("sign for this cluster's issuer alone, and no secret stands in for them", async () => {
    const of = cluster();
    of.addKey("one");
    const keys = createClusterKeys(of.read, silent);
    const elsewhere = of.token("one", { iss: "https://other.example" });
    await expect(checkedToken(elsewhere, "heddle", keys)).rejects.toThrow(/"iss"/);
    const [, body] = of.token("one").split(".");
    for (const alg of ["none", "HS256"]) {
      const head = Buffer.from(JSON.stringify({ alg, kid: "one" })).toString("base64url");
      await expect(checkedToken(`${head}.${body}.AAAA`, "heddle", keys)).rejects.toMatchObject({
        code: "HDL7251",
      });
    }
  });
});
