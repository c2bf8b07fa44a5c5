/** Answers that a rule makes Envoy give: redirects, bodies, faults, and what browsers of other origins are told. */
import { parseObject } from "@heddle/model";
import { describe, expect } from "vitest";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { service, virtualService } from "../../harness/objects.ts";
import { proves, refuses } from "../proves.ts";

const PORT = 9080;
const REVIEWS = "127.161.0.2";
/** Far more than a busy machine takes for an answer that nothing delays. */
const DELAY_MS = 1_500;
const SHOP = "https://shop.example";
const route = [{ destination: { host: "reviews" } }];
const at = (path: string) => ({ match: [{ uri: { exact: path } }] });

describe.skipIf(!envoyBinary)("answers of a VirtualService", () => {
  const mesh = startedMesh({
    workloads: { client: { address: "127.161.0.1" }, reviews: { address: REVIEWS, ports: [PORT] } },
    objects: [
      ...service("reviews", [{ name: "http", port: PORT }], [REVIEWS]),
      virtualService("reviews", {
        hosts: ["reviews"],
        http: [
          { match: [{ uri: { prefix: "/old/" } }], redirect: { prefixRewrite: "/new/" } },
          {
            ...at("/port-default"),
            redirect: { derivePort: "FROM_PROTOCOL_DEFAULT", uri: "/there" },
          },
          {
            ...at("/port-default-secure"),
            redirect: { derivePort: "FROM_PROTOCOL_DEFAULT", scheme: "https" },
          },
          {
            ...at("/port-default-elsewhere"),
            redirect: { derivePort: "FROM_PROTOCOL_DEFAULT", authority: "other.example" },
          },
          { ...at("/bytes"), directResponse: { status: 200, body: { bytes: "AAECAw==" } } },
          {
            ...at("/delay-0"),
            fault: { delay: { fixedDelay: `${DELAY_MS}ms`, percent: 0 } },
            route,
          },
          {
            ...at("/delay-100"),
            fault: { delay: { fixedDelay: `${DELAY_MS}ms`, percent: 100 } },
            route,
          },
          {
            ...at("/delay-half"),
            fault: { delay: { fixedDelay: `${DELAY_MS}ms`, percentage: { value: 50 } } },
            route,
          },
          { ...at("/cors-old"), corsPolicy: { allowOrigin: [SHOP] }, route },
          { ...at("/cors-any"), corsPolicy: { allowOrigin: ["*"] }, route },
          {
            ...at("/cors-prefix"),
            corsPolicy: { allowOrigins: [{ prefix: "https://shop." }] },
            route,
          },
          {
            ...at("/cors-regex"),
            corsPolicy: { allowOrigins: [{ regex: "https://[a-z]+\\.example" }] },
            route,
          },
          ...(["UNSPECIFIED", "FORWARD", "IGNORE"] as const).map((unmatchedPreflights) => ({
            ...at(`/cors-${unmatchedPreflights}`),
            corsPolicy: { allowOrigins: [{ exact: SHOP }], unmatchedPreflights },
            route,
          })),
          { route },
        ],
      }),
    ],
  });

  const get = (path: string, asking = {}) => mesh.get("client", `reviews:${PORT}`, path, asking);
  const location = async (path: string) => (await get(path)).headers["location"];

  proves(
    "VirtualService",
    ["http[].redirect.prefixRewrite"],
    "redirects with another prefix and the rest of the path",
    async () => {
      expect(await location("/old/a/b?c=d")).toBe(`http://reviews:${PORT}/new/a/b?c=d`);
    },
  );

  proves(
    "VirtualService",
    ["http[].redirect.derivePort=FROM_PROTOCOL_DEFAULT"],
    "redirects to the default port of the scheme, not to the one that was asked",
    async () => {
      expect(await location("/port-default")).toMatch(/^http:\/\/reviews(:80)?\/there$/);
      expect(await location("/port-default-secure")).toMatch(
        /^https:\/\/reviews(:443)?\/port-default-secure$/,
      );
      expect(await location("/port-default-elsewhere")).toBe(
        "http://other.example/port-default-elsewhere",
      );
    },
  );

  proves(
    "VirtualService",
    ["http[].directResponse.body.bytes"],
    "answers with bytes that are no text",
    async () => {
      expect(Buffer.from((await get("/bytes")).body)).toEqual(Buffer.from([0, 1, 2, 3]));
    },
  );

  const delayed = async (path: string): Promise<boolean> => {
    const start = performance.now();
    expect((await get(path)).status).toBe(200);
    return performance.now() - start >= DELAY_MS - 1;
  };

  proves(
    "VirtualService",
    ["http[].fault.delay.percent"],
    "delays by the old field for a share, whole per cents",
    async () => {
      expect(await delayed("/delay-100")).toBe(true);
      expect(await delayed("/delay-0")).toBe(false);
    },
  );

  proves(
    "VirtualService",
    ["http[].fault.delay.percentage.value"],
    "delays the share of requests that is asked for",
    async () => {
      const all = await Promise.all(Array.from({ length: 60 }, () => delayed("/delay-half")));
      const count = all.filter(Boolean).length;
      // 30 expected; nearly five standard deviations to either side.
      expect(count).toBeGreaterThan(11);
      expect(count).toBeLessThan(49);
    },
  );

  const allowed = async (path: string, origin: string) =>
    (await get(path, { headers: { origin } })).headers["access-control-allow-origin"];

  proves(
    "VirtualService",
    ["http[].corsPolicy.allowOrigin"],
    "lets origins of the old list in, and every one for a star",
    async () => {
      expect(await allowed("/cors-old", SHOP)).toBe(SHOP);
      expect(await allowed("/cors-old", "https://evil.example")).toBeUndefined();
      expect(await allowed("/cors-any", "https://evil.example")).toBe("https://evil.example");
    },
  );

  proves(
    "VirtualService",
    ["http[].corsPolicy.allowOrigins[].{prefix,regex}"],
    "lets origins in by prefix and by a regular expression on the whole of them",
    async () => {
      for (const path of ["/cors-prefix", "/cors-regex"]) {
        expect(await allowed(path, SHOP), path).toBe(SHOP);
        expect(await allowed(path, "http://shop.example"), path).toBeUndefined();
      }
      expect(await allowed("/cors-prefix", `${SHOP}.evil.test`)).toBe(`${SHOP}.evil.test`);
      expect(await allowed("/cors-regex", `${SHOP}.evil.test`)).toBeUndefined();
    },
  );

  const preflight = (path: string) =>
    get(path, {
      method: "OPTIONS",
      headers: { origin: "https://evil.example", "access-control-request-method": "PUT" },
    });

  proves(
    "VirtualService",
    ["http[].corsPolicy.unmatchedPreflights={UNSPECIFIED,FORWARD,IGNORE}"],
    "forwards preflights of strange origins to the application, unless told to ignore them",
    async () => {
      expect((await preflight("/cors-FORWARD")).echo().method).toBe("OPTIONS");
      expect((await preflight("/cors-UNSPECIFIED")).echo().method).toBe("OPTIONS");
      const ignored = await preflight("/cors-IGNORE");
      expect([ignored.status, ignored.body]).toEqual([200, ""]);
      expect(ignored.headers["access-control-allow-origin"]).toBeUndefined();
    },
  );
});

describe("faults that Envoy does not have", () => {
  const problems = (fault: object) =>
    parseObject({
      apiVersion: "networking.istio.io/v1",
      kind: "VirtualService",
      metadata: { name: "reviews", namespace: "default" },
      spec: { hosts: ["reviews"], http: [{ fault, route }] },
    }).diagnostics.map(({ code, level, path }) => `${code} ${level} ${path}`);

  refuses(
    "VirtualService",
    ["http[].fault.abort.http2Error"],
    "an abort with an HTTP/2 error is refused: HDL0013",
    () => {
      expect(problems({ abort: { http2Error: "PROTOCOL_ERROR" } })).toContain(
        "HDL0013 Error spec.http[0].fault.abort.http2Error",
      );
    },
  );

  refuses(
    "VirtualService",
    ["http[].fault.delay.exponentialDelay"],
    "an exponential delay is refused: HDL0013",
    () => {
      expect(problems({ delay: { exponentialDelay: "1s" } })).toContain(
        "HDL0013 Error spec.http[0].fault.delay.exponentialDelay",
      );
    },
  );
});
