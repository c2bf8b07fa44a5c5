/** Which tokens a workload takes, where it looks for them, and what it tells its application of them. */
import { describe, expect } from "vitest";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { requestAuthentication, service } from "../../harness/objects.ts";
import { ask } from "../../harness/request.ts";
import { createIssuerKey, keySet } from "../../harness/token-issuer.ts";
import { proves } from "../proves.ts";

const PORT = 9080;
const WORKLOADS = {
  server: { address: "127.237.0.1", ports: [PORT] },
  required: { address: "127.237.0.2", ports: [PORT] },
  both: { address: "127.237.0.3", ports: [PORT] },
  other: { address: "127.237.0.4", ports: [PORT] },
} as const;
type Name = keyof typeof WORKLOADS;

const STAFF = "https://staff.test";
const GUESTS = "https://guests.test";
const SERVICES = "https://services.test";

describe.skipIf(!envoyBinary)("tokens of a RequestAuthentication", async () => {
  const [rsa, ec, ed, guest, machine, stranger] = await Promise.all([
    createIssuerKey(STAFF, "rsa", "RS256"),
    createIssuerKey(STAFF, "ec", "ES256"),
    createIssuerKey(STAFF, "ed", "EdDSA"),
    createIssuerKey(GUESTS, "guest"),
    createIssuerKey(SERVICES, "machine"),
    createIssuerKey(STAFF, "rsa", "RS256"),
  ]);
  const staff = { issuer: STAFF, jwks: JSON.stringify(keySet(rsa, ec, ed)) };
  const guests = { issuer: GUESTS, jwks: JSON.stringify(keySet(guest)) };
  const services = { issuer: SERVICES, jwks: JSON.stringify(keySet(machine)) };
  const of = (app: Name) => ({ selector: { matchLabels: { app } } });

  startedMesh({
    workloads: WORKLOADS,
    objects: [
      ...Object.entries(WORKLOADS).flatMap(([name, { address }]) =>
        service(name, [{ name: "http", port: PORT }], [address]),
      ),
      requestAuthentication("server", {
        ...of("server"),
        jwtRules: [
          {
            ...staff,
            audiences: ["shop", "desk"],
            outputPayloadToHeader: "x-payload",
            outputClaimToHeaders: [
              { header: "x-user", claim: "sub" },
              { header: "x-team", claim: "org.team" },
              { header: "x-plan", claim: "[https://staff.test/plan]" },
              { header: "x-level", claim: "level" },
            ],
          },
          guests,
          {
            ...services,
            fromHeaders: [{ name: "x-token", prefix: "Service " }, { name: "x-plain" }],
            fromParams: ["token"],
            fromCookies: ["session"],
            forwardOriginalToken: true,
          },
        ],
      }),
      requestAuthentication("required", {
        ...of("required"),
        jwtRules: [
          { ...staff, presence: "REQUIRED" },
          {
            ...guests,
            fromHeaders: [{ name: "Authorization", prefix: "Bearer " }, { name: "x-guest" }],
          },
        ],
      }),
      requestAuthentication("both", {
        ...of("both"),
        jwtRules: [
          { ...staff, presence: "OPTIONAL" },
          { ...services, presence: "REQUIRED", fromHeaders: [{ name: "x-service" }] },
        ],
      }),
    ],
  });
  const get = (
    headers: Record<string, string> = {},
    { to = "server" as Name, path = "/", method = "GET" } = {},
  ) => ask(WORKLOADS[to].address, PORT, to, path, { headers, method });
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  const status = async (headers: Record<string, string>, to: Name = "server") =>
    (await get(headers, { to })).status;
  const aud = "shop";
  const now = Math.floor(Date.now() / 1000);
  const good = await rsa.sign({ aud });

  proves(
    "RequestAuthentication",
    ["selector.matchLabels", "jwtRules[].{issuer,jwks}"],
    "a token has to be its issuer's, by whatever kind of key; without one a request is let in, and other workloads look at none",
    async () => {
      expect(await status({})).toBe(200);
      expect(await status({ authorization: "Basic bWU6c2VjcmV0" })).toBe(200);
      for (const key of [rsa, ec, ed])
        expect(await status(bearer(await key.sign({ aud })))).toBe(200);
      const bad = [
        await stranger.sign({ aud }),
        await rsa.sign({ aud, iss: "https://elsewhere.test" }),
        await rsa.sign({ aud, exp: now - 120 }),
        await rsa.sign({ aud, nbf: now + 120 }),
        `${good.slice(0, -6)}AAAAAA`,
        "garbage",
      ];
      for (const token of bad) {
        const answer = await get(bearer(token));
        expect(answer.status).toBe(401);
        expect(answer.headers["www-authenticate"]).toContain('error="invalid_token"');
        expect(await status(bearer(token), "other")).toBe(200);
      }
      // Clocks differ: a minute is let pass.
      expect(await status(bearer(await rsa.sign({ aud, exp: now - 30 })))).toBe(200);
    },
  );

  proves(
    "RequestAuthentication",
    ["jwtRules[].audiences"],
    "a token has to be for one of the audiences, where there are some",
    async () => {
      expect(await status(bearer(await rsa.sign({ aud: ["x", "desk"] })))).toBe(200);
      expect(await status(bearer(await rsa.sign({ aud: "x" })))).toBe(403);
      expect(await status(bearer(await rsa.sign()))).toBe(403);
      expect(await status(bearer(await guest.sign({ aud: "x" })))).toBe(200);
    },
  );

  proves(
    "RequestAuthentication",
    ["jwtRules[].fromHeaders[].{name,prefix}", "jwtRules[].{fromParams,fromCookies}"],
    "a token is looked for where its rule says, and nowhere else",
    async () => {
      const token = await machine.sign();
      expect(await status({ "x-token": `Service ${token}` })).toBe(200);
      expect(await status({ "x-token": "Service garbage" })).toBe(401);
      expect(await status({ "x-token": "Other garbage" })).toBe(200);
      expect(await status({ "x-plain": token })).toBe(200);
      expect(await status({ "x-plain": "garbage" })).toBe(401);
      for (const [path, expected] of [
        [`/?a=b&token=${token}`, 200],
        ["/?a=b&token=garbage", 401],
        ["/?a=b&tokens=garbage", 200],
        ["/?access_token=garbage", 401],
        [`/?access_token=${good}`, 200],
      ] as const)
        expect((await get({}, { path })).status, path).toBe(expected);
      expect(await status({ cookie: `a=b; session=${token}` })).toBe(200);
      expect(await status({ cookie: "session=garbage" })).toBe(401);
      expect(await status({ cookie: "sessions=garbage" })).toBe(200);
      // Its own place is where the others look, and it is none of theirs there.
      expect(await status(bearer(token))).toBe(401);
      // What is good in one place lets nothing through in another.
      expect(await status({ ...bearer(good), "x-plain": "garbage" })).toBe(401);
      expect(await status({ ...bearer("garbage"), "x-plain": token })).toBe(401);
      expect(await status({ ...bearer(good), "x-plain": token })).toBe(200);
    },
  );

  proves(
    "RequestAuthentication",
    ["jwtRules[].forwardOriginalToken"],
    "the application sees the token only where it is handed on",
    async () => {
      expect((await get(bearer(good))).echo().headers["authorization"]).toBeUndefined();
      const { url } = (await get({}, { path: `/a?access_token=${good}&b=c` })).echo();
      expect(url).toBe("/a?b=c");
      const token = await machine.sign();
      expect((await get({ "x-plain": token })).echo().headers["x-plain"]).toBe(token);
      expect((await get({}, { path: `/?token=${token}` })).echo().url).toBe(`/?token=${token}`);
    },
  );

  proves(
    "RequestAuthentication",
    ["jwtRules[].outputPayloadToHeader", "jwtRules[].outputClaimToHeaders[].{header,claim}"],
    "the application is told what a token says in headers that nobody else can write",
    async () => {
      const claims = { aud, org: { team: "blue" }, "https://staff.test/plan": "gold", level: 7 };
      const token = await ec.sign(claims);
      const headersOf = async (headers: Record<string, string>, method = "GET") => {
        const seen = (await get(headers, { method })).echo().headers;
        const names = ["x-user", "x-team", "x-plan", "x-level", "x-payload"];
        return names.map((name) => seen[name]);
      };
      expect(await headersOf(bearer(token))).toEqual([
        ...["somebody", "blue", "gold", "7"],
        token.split(".")[1],
      ]);
      const forged = { "x-user": "root", "X-Team": "red", "x-plan": "free", "x-payload": "e30" };
      const none = Array<undefined>(5).fill(undefined);
      expect(await headersOf(forged)).toEqual(none);
      expect(await headersOf({ ...forged, ...bearer(await guest.sign()) })).toEqual(none);
      expect((await headersOf({ ...forged, ...bearer(token) }))[0]).toBe("somebody");
      const preflight = { origin: "https://a.test", "access-control-request-method": "GET" };
      expect(await headersOf({ ...forged, ...preflight }, "OPTIONS")).toEqual(none);
    },
  );

  proves(
    "RequestAuthentication",
    ["jwtRules[].presence={REQUIRED,OPTIONAL}"],
    "without a token of an issuer whose presence is required a request is refused; a preflight has none to show",
    async () => {
      expect(await status({}, "required")).toBe(401);
      expect(await status(bearer(await guest.sign()), "required")).toBe(401);
      expect(await status(bearer(good), "required")).toBe(200);
      const both = async (token: string) =>
        status({ ...bearer(good), "x-guest": token }, "required");
      expect([await both(await guest.sign()), await both("garbage")]).toEqual([200, 401]);
      const preflight = { origin: "https://a.test", "access-control-request-method": "GET" };
      expect((await get(preflight, { to: "required", method: "OPTIONS" })).status).toBe(200);
      const service = { "x-service": await machine.sign() };
      expect(await status({}, "both")).toBe(401);
      expect(await status(bearer(good), "both")).toBe(401);
      expect(await status(service, "both")).toBe(200);
      expect(await status({ ...service, ...bearer(good) }, "both")).toBe(200);
      expect(await status({ ...service, ...bearer("garbage") }, "both")).toBe(401);
    },
  );
});
