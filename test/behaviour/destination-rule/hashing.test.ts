/** Requests that belong together and stay with one endpoint: by header, cookie, query parameter or address. */
import type { ConsistentHash } from "@heddle/model";
import { describe, expect } from "vitest";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { destinationRule, service } from "../../harness/objects.ts";
import type { Asking } from "../../harness/request.ts";
import { proves } from "../proves.ts";

const PORT = 9080;
const CLIENT = "127.79.0.1";
const SERVERS = ["127.79.0.2", "127.79.0.3", "127.79.0.4"];
const FIELD = "trafficPolicy.loadBalancer.consistentHash";

const hashed = (name: string, consistentHash?: ConsistentHash) => [
  ...service(name, [{ name: "http", port: PORT }], SERVERS, { clusterIP: "10.0.0.1" }),
  ...(consistentHash
    ? [destinationRule(name, { host: name, trafficPolicy: { loadBalancer: { consistentHash } } })]
    : []),
];

describe.skipIf(!envoyBinary)("consistent hashing", () => {
  const server = (address: string) => ({ address, ports: [PORT], sidecar: false });
  const mesh = startedMesh({
    workloads: {
      client: {
        address: CLIENT,
        // Envoy tells the size of its tables in statistics, which proxies do not keep otherwise.
        patch: ({ statsConfig: _, ...bootstrap }) => bootstrap,
      },
      a: server(SERVERS[0] as string),
      b: server(SERVERS[1] as string),
      c: server(SERVERS[2] as string),
    },
    objects: [
      ...hashed("plain"),
      ...hashed("header", { httpHeaderName: "x-user" }),
      ...hashed("header-maglev", { httpHeaderName: "x-user", maglev: { tableSize: 65_537 } }),
      ...hashed("maglev", { httpHeaderName: "x-user", maglev: { tableSize: 307 } }),
      ...hashed("ring", { httpHeaderName: "x-user", ringHash: { minimumRingSize: 5000 } }),
      ...hashed("old-ring", { httpHeaderName: "x-user", minimumRingSize: 3000 }),
      ...hashed("query", { httpQueryParameterName: "user" }),
      ...hashed("source", { useSourceIp: true }),
      ...hashed("cookie", { httpCookie: { name: "user" } }),
      ...hashed("cookie-made", {
        httpCookie: {
          name: "stick",
          path: "/shop",
          ttl: "90s",
          attributes: [{ name: "SameSite", value: "Strict" }, { name: "Secure" }],
        },
      }),
      ...hashed("cookie-session", { httpCookie: { name: "stick", ttl: "0s" } }),
    ],
  });

  const endpointOf = async (name: string, asking: Asking = {}, path = "/") =>
    (await mesh.get("client", `${name}:${PORT}`, path, asking)).headers["x-application"] ?? "";
  const endpointsOf = (askings: readonly Asking[], name: string) =>
    Promise.all(askings.map((asking) => endpointOf(name, asking)));
  const users = Array.from({ length: 24 }, (_, i) => `user-${i}`);
  /** The same for everyone who asks twice, and not the same for everyone. */
  const expectSticky = async (name: string, askings: readonly Asking[]) => {
    const first = await endpointsOf(askings, name);
    expect(new Set(first).size).toBe(3);
    expect(await endpointsOf(askings, name)).toEqual(first);
    expect(await endpointsOf(askings, name)).toEqual(first);
  };
  const byHeader = (header: string) =>
    users.map((user) => ({ headers: { [header]: header === "cookie" ? `user=${user}` : user } }));
  const table = async (name: string, statistic: string) => {
    const stats = await mesh.envoy("client").admin(`/stats?filter=^cluster\\..*\\|${name}\\.`);
    return Number(new RegExp(`${statistic}: (\\d+)`).exec(stats)?.[1]);
  };

  proves(
    "DestinationRule",
    [`${FIELD}.httpHeaderName`],
    "keeps who sends a header's value on one endpoint, which others do not share",
    async () => {
      await expectSticky("header", byHeader("x-user"));
      const once = await endpointsOf(byHeader("x-user"), "plain");
      const again = await endpointsOf(byHeader("x-user"), "plain");
      expect(again).not.toEqual(once);
      const others = await endpointsOf(byHeader("x-other"), "header");
      expect(new Set(others).size).toBeGreaterThan(1);
    },
  );

  proves(
    "DestinationRule",
    [`${FIELD}.maglev.tableSize`],
    "hashes by Maglev, with a table of the size that is asked for",
    async () => {
      await expectSticky("header-maglev", byHeader("x-user"));
      const entries = (name: string) =>
        table(`${name}.default.svc.cluster.local`, String.raw`maglev_lb\.max_entries_per_host`);
      expect(await entries("header-maglev")).toBe(Math.ceil(65_537 / 3));
      expect(await entries("maglev")).toBe(Math.ceil(307 / 3));
    },
  );

  proves(
    "DestinationRule",
    [`${FIELD}.ringHash.minimumRingSize`, `${FIELD}.minimumRingSize`],
    "hashes by a ring that is no smaller than it is asked to be",
    async () => {
      await expectSticky("ring", byHeader("x-user"));
      await expectSticky("old-ring", byHeader("x-user"));
      const size = (name: string) =>
        table(`${name}.default.svc.cluster.local`, String.raw`ring_hash_lb\.size`);
      expect(await size("ring")).toBeGreaterThanOrEqual(5000);
      expect(await size("old-ring")).toBeGreaterThanOrEqual(3000);
      expect(await size("old-ring")).toBeLessThan(5000);
      expect(await size("header")).toBeLessThan(1100);
    },
  );

  proves(
    "DestinationRule",
    [`${FIELD}.httpQueryParameterName`],
    "keeps a query parameter's value on one endpoint",
    async () => {
      const ask = () =>
        Promise.all(users.map((user) => endpointOf("query", {}, `/?a=1&user=${user}`)));
      const first = await ask();
      expect(new Set(first).size).toBe(3);
      expect(await ask()).toEqual(first);
    },
  );

  proves(
    "DestinationRule",
    [`${FIELD}.useSourceIp`],
    "keeps a client's address on one endpoint",
    async () => {
      const askings = users.map((_, i) => ({ localAddress: `127.79.9.${i + 1}` }));
      await expectSticky("source", askings);
    },
  );

  proves(
    "DestinationRule",
    [`${FIELD}.httpCookie.name`],
    "keeps a cookie's value on one endpoint, and makes no cookie of its own",
    async () => {
      await expectSticky("cookie", byHeader("cookie"));
      const { headers } = await mesh.get("client", `cookie:${PORT}`);
      expect(headers["set-cookie"]).toBeUndefined();
    },
  );

  proves(
    "DestinationRule",
    [
      `${FIELD}.httpCookie.ttl`,
      `${FIELD}.httpCookie.path`,
      `${FIELD}.httpCookie.attributes[].name`,
      `${FIELD}.httpCookie.attributes[].value`,
    ],
    "gives a cookie to who has none, with its lifetime, path and attributes, and then keeps to it",
    async () => {
      const cookieOf = async (name: string) =>
        (await mesh.get("client", `${name}:${PORT}`)).headers["set-cookie"] ?? "";
      const cookies = await Promise.all(users.map(() => cookieOf("cookie-made")));
      expect(cookies[0]).toMatch(/^stick="[^"]+"; Max-Age=90; Path=\/shop; .*HttpOnly/);
      expect(cookies[0]).toMatch(/; SameSite=Strict/);
      expect(cookies[0]).toMatch(/; Secure/);
      await expectSticky(
        "cookie-made",
        cookies.map((cookie) => ({ headers: { cookie: cookie.split(";")[0] as string } })),
      );
      const session = await cookieOf("cookie-session");
      expect(session).toMatch(/^stick=/);
      expect(session).not.toMatch(/Max-Age|Path|SameSite/);
    },
  );
});
