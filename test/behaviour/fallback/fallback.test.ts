/** Fallbacks: what a client gets while a service is dead, full, failing or slow, and within what time. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Application, startApplication } from "../../harness/application.ts";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import {
  destinationRule,
  fallback,
  gateway,
  service,
  serviceEntry,
  virtualService,
} from "../../harness/objects.ts";
import { ask as askAt } from "../../harness/request.ts";
import { type StuckServer, startStuckServer } from "../../harness/stuck-server.ts";
import { proves } from "../proves.ts";

const PORT = 9080;
const OTHER = 9081;
const PRIMARY = "127.172.0.2";
const RESERVE = "127.172.0.3";
const MORTAL = "127.172.0.4";
const EDGE = "127.172.0.5";
const GONE = "127.172.0.9";
const STUCK = "127.172.0.10";
const STUCK_TOO = "127.172.0.11";
const FROZEN = "127.172.0.6";
const SLOW = "127.172.0.7";
const SLOW_TOO = "127.172.0.8";
const HTTP = [{ name: "http", port: PORT }];
const at = (path: string) => ({ match: [{ uri: { exact: path } }] });
const to = (host: string, subset?: string) => ({
  destination: { host, ...(subset ? { subset } : {}) },
});
const reserve = { host: "reserve", port: { number: PORT } };

describe.skipIf(!envoyBinary)("a fallback", () => {
  const mesh = startedMesh({
    workloads: {
      client: { address: "127.172.0.1", locality: { region: "r1", zone: "z1" } },
      edge: { address: EDGE, type: "router", labels: { istio: "ingressgateway" } },
      primary: { address: PRIMARY, ports: [PORT] },
      reserve: { address: RESERVE, ports: [PORT, OTHER] },
      mortal: { address: MORTAL, ports: [PORT], sidecar: false },
      frozen: { address: FROZEN, ports: [PORT] },
      slow: { address: SLOW, ports: [PORT], sidecar: false, delayMs: 3000 },
      "slow-too": { address: SLOW_TOO, ports: [PORT], sidecar: false, delayMs: 3000 },
    },
    objects: [
      ...service("primary", HTTP, [PRIMARY]),
      ...service("mortal", HTTP, [MORTAL]),
      ...service("gone", HTTP, [GONE]),
      ...service("empty", HTTP, []),
      ...service("stuck", HTTP, [STUCK]),
      ...service("stuck-alone", HTTP, [STUCK]),
      ...service("frozen", HTTP, [FROZEN]),
      ...["stuck-places", "slow-places"].map((host) =>
        serviceEntry(host, {
          hosts: [`${host}.test`],
          ports: [{ number: PORT, name: "http", protocol: "HTTP" }],
          resolution: "STATIC",
          endpoints: (host === "slow-places" ? [SLOW, SLOW_TOO] : [STUCK, STUCK_TOO]).map(
            (address, zone) => ({ address, locality: `r1/z${zone + 1}` }),
          ),
        }),
      ),
      ...["stuck-places", "slow-places"].map((host) =>
        destinationRule(host, {
          host: `${host}.test`,
          trafficPolicy: { outlierDetection: { consecutive5xxErrors: 1000 } },
        }),
      ),
      ...["stuck-places", "slow-places"].map((host) =>
        fallback(host, { host: `${host}.test`, destination: reserve }),
      ),
      fallback("stuck-alone", { host: "stuck-alone", response: { status: 299 } }),
      ...service("alone", HTTP, [PRIMARY]),
      ...service("limited", HTTP, [PRIMARY]),
      ...service("limited-alone", HTTP, [PRIMARY]),
      ...service("parts", HTTP, [PRIMARY, RESERVE]),
      ...service("named", HTTP, [PRIMARY]),
      ...service("stated", HTTP, [PRIMARY]),
      ...service("hasty", HTTP, [PRIMARY]),
      ...service("both", HTTP, [GONE]),
      ...service("weighted", HTTP, [PRIMARY]),
      ...service("elsewhere", HTTP, [GONE]),
      ...service(
        "reserve",
        [
          { name: "http", port: PORT },
          { name: "http-other", port: OTHER },
        ],
        [RESERVE],
      ),
      ...["primary", "mortal", "empty", "limited", "stuck", "frozen"].map((host) =>
        fallback(host, { host, destination: reserve }),
      ),
      fallback("gone", { host: "gone", destination: { host: "reserve", port: { number: OTHER } } }),
      ...["alone", "limited-alone"].map((host) =>
        fallback(host, {
          host,
          response: {
            status: 299,
            body: '{"say": "äh"}\n',
            headers: { "content-type": "application/json", "x-fallback": "yes" },
          },
        }),
      ),
      ...["limited", "limited-alone"].map((host) =>
        destinationRule(host, {
          host,
          trafficPolicy: {
            connectionPool: {
              tcp: { maxConnections: 1 },
              http: { http1MaxPendingRequests: 1, http2MaxRequests: 2 },
            },
          },
        }),
      ),
      destinationRule("parts", {
        host: "parts",
        subsets: [
          { name: "first", labels: { app: "primary" } },
          { name: "second", labels: { app: "reserve" } },
        ],
      }),
      virtualService("parts", {
        hosts: ["parts"],
        http: [
          { ...at("/failing/primary"), route: [to("parts", "first")] },
          { route: [to("parts", "second")] },
        ],
      }),
      fallback("parts", {
        host: "parts",
        subset: "first",
        destination: { host: "parts", subset: "second" },
      }),
      virtualService("named", {
        hosts: ["named"],
        http: [
          {
            name: "precious",
            match: [{ headers: { "x-precious": { exact: "yes" } } }],
            route: [to("named")],
          },
          { name: "plain", route: [to("named")] },
        ],
      }),
      fallback("named", { host: "named", routes: ["precious"], destination: reserve }),
      fallback("stated", { host: "stated", statuses: [500], destination: reserve }),
      fallback("hasty", { host: "hasty", after: "100ms", destination: reserve }),
      fallback("both", {
        host: "both",
        destination: { host: "empty" },
        response: { status: 298 },
      }),
      fallback(
        "elsewhere",
        { host: "elsewhere.default.svc.cluster.local", destination: reserve },
        "far",
      ),
      virtualService("weighted", {
        hosts: ["weighted"],
        http: [
          {
            route: [
              { ...to("weighted"), weight: 50 },
              { ...to("gone"), weight: 50 },
            ],
          },
        ],
      }),
      gateway("edge", {
        selector: { istio: "ingressgateway" },
        servers: [{ port: { number: 8080, name: "http", protocol: "HTTP" }, hosts: ["*"] }],
      }),
      virtualService("edge", {
        hosts: ["*"],
        gateways: ["edge"],
        http: [{ route: [to("gone")] }],
      }),
    ],
  });
  const revived: Application[] = [];
  const stuck: StuckServer[] = [];
  beforeAll(async () => {
    for (const address of [STUCK, STUCK_TOO]) stuck.push(await startStuckServer(address, PORT));
  });
  afterAll(() => Promise.all(revived.map((each) => each.stop())));
  afterAll(() => {
    for (const each of stuck) each.stop();
  });

  const get = (host: string, path = "/", asking = {}) =>
    mesh.get("client", `${host}:${PORT}`, path, asking);
  const name = async (host: string, path = "/") => (await get(host, path)).echo().name;
  /** Milliseconds. */
  const timed = async (run: () => Promise<unknown>) => {
    const start = performance.now();
    await run();
    return performance.now() - start;
  };

  proves(
    "Fallback",
    ["host", "destination.{host,port.number}"],
    "answers within a second for a service that has been killed, and no longer when it is back",
    async () => {
      expect(await name("mortal")).toBe("mortal");
      await mesh.applications("mortal")[0]?.stop();
      expect(await timed(async () => expect(await name("mortal")).toBe("reserve"))).toBeLessThan(
        1000,
      );
      for (let i = 0; i < 20; i++) expect(await name("mortal")).toBe("reserve");
      revived.push(await startApplication("mortal", MORTAL, PORT));
      await expect.poll(() => name("mortal"), { timeout: 5000 }).toBe("mortal");
      for (let i = 0; i < 20; i++) expect(await name("mortal")).toBe("mortal");
    },
  );

  test("answers within a second where nobody has ever been, or no endpoint is", async () => {
    for (const host of ["gone", "empty"]) {
      expect(await timed(async () => expect(await name(host)).toBe("reserve")), host).toBeLessThan(
        1000,
      );
    }
  });

  test("answers within a second for a service to which no connection can be made", async () => {
    const took = await timed(async () => expect(await name("stuck")).toBe("reserve"));
    expect(took).toBeGreaterThan(450);
    expect(took).toBeLessThan(1000);
    expect(
      await timed(async () => expect((await get("stuck-alone")).status).toBe(299)),
    ).toBeLessThan(1000);
  });

  test("answers within a second for a service whose sidecar stands still, before a TLS handshake as after it", async () => {
    const answer = async () => expect(await name("frozen")).toBe("reserve");
    mesh.envoy("frozen").signal("SIGSTOP");
    try {
      expect(await timed(answer)).toBeLessThan(1000);
      mesh.envoy("frozen").signal("SIGCONT");
      await expect.poll(() => name("frozen"), { timeout: 5000 }).toBe("frozen");
      mesh.envoy("frozen").signal("SIGSTOP");
      for (let i = 0; i < 3; i++) expect(await timed(answer)).toBeLessThan(1000);
    } finally {
      mesh.envoy("frozen").signal("SIGCONT");
    }
  });

  test("answers within a second where one place after the other does not", async () => {
    for (const host of ["stuck-places.test", "slow-places.test"]) {
      const took = await timed(async () => expect(await name(host), host).toBe("reserve"));
      expect(took, host).toBeGreaterThan(450);
      expect(took, host).toBeLessThan(1000);
    }
    // Both have been asked before.
    for (const each of ["slow", "slow-too"] as const)
      expect(mesh.applications(each)[0]?.requests.length, each).toBe(1);
  });

  test("answers within a second for a service that answers 503 to everything", async () => {
    const answer = async () => expect(await name("primary", "/failing/primary")).toBe("reserve");
    for (let i = 0; i < 20; i++) expect(await timed(answer)).toBeLessThan(1000);
    expect((await get("primary", "/status/503")).status).toBe(503);
    expect(await name("primary")).toBe("primary");
  });

  test("has the request's body and method", async () => {
    const answer = await get("gone", "/order", { method: "POST", body: "two apples" });
    expect(answer.echo()).toMatchObject({
      ...{ name: "reserve", port: OTHER, method: "POST", url: "/order" },
      headers: { "content-length": "10" },
    });
  });

  test("answers within a second for a service that is full, and none is refused", async () => {
    const answers = await Promise.all(
      Array.from({ length: 12 }, async () => {
        let status = 0;
        let by = "";
        const took = await timed(async () => {
          const answer = await get("limited", "/slow/300");
          status = answer.status;
          by = answer.echo().name;
        });
        return { status, by, took };
      }),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 12 }, () => 200));
    const reserved = answers.filter(({ by }) => by === "reserve");
    expect(reserved.length).toBeGreaterThan(5);
    for (const { took } of reserved) expect(took).toBeLessThan(1000);
    expect(await name("limited")).toBe("primary");
  });

  proves(
    "Fallback",
    ["response.{status,body}", "response.headers"],
    "answers by itself in place of a failed answer, also where a circuit breaker is open",
    async () => {
      const answer = await get("alone", "/status/503");
      expect([answer.status, answer.body]).toEqual([299, '{"say": "äh"}\n']);
      expect(answer.headers).toMatchObject({
        "content-type": "application/json",
        "x-fallback": "yes",
      });
      expect((await get("alone", "/status/404")).status).toBe(404);
      expect(await name("alone")).toBe("primary");
      const statuses = await Promise.all(
        Array.from({ length: 12 }, async () => (await get("limited-alone", "/slow/300")).status),
      );
      expect(new Set(statuses)).toEqual(new Set([200, 299]));
      expect(await timed(() => get("alone", "/slow/3000"))).toBeLessThan(1000);
    },
  );

  test("answers by itself where the destination fails too", async () => {
    expect((await get("both")).status).toBe(298);
  });

  proves(
    "Fallback",
    ["subset", "destination.subset"],
    "is for the subset that it names",
    async () => {
      expect(await name("parts", "/failing/primary")).toBe("reserve");
      expect((await get("parts", "/failing/reserve")).status).toBe(503);
    },
  );

  proves("Fallback", ["routes"], "is for the routes that it names", async () => {
    const asked = (headers: Readonly<Record<string, string>>) =>
      get("named", "/failing/primary", { headers });
    expect((await asked({ "x-precious": "yes" })).echo().name).toBe("reserve");
    expect((await asked({})).status).toBe(503);
  });

  proves("Fallback", ["statuses"], "takes answers for failures that it names", async () => {
    const asked = () => mesh.applications("reserve")[0]?.requests.length ?? 0;
    const before = asked();
    await get("primary", "/status/500");
    expect(asked()).toBe(before);
    await get("stated", "/status/500");
    expect(asked()).toBe(before + 1);
  });

  proves("Fallback", ["after"], "waits as long as it says for an answer", async () => {
    const asked = (host: string) => timed(() => get(host, "/slow/300"));
    expect(await name("hasty", "/slow/20")).toBe("primary");
    expect(await name("primary", "/slow/300")).toBe("primary");
    expect(await asked("primary")).toBeGreaterThan(290);
    const { requests } = mesh.applications("reserve")[0] as Application;
    const before = requests.length;
    await asked("hasty");
    expect(requests.length).toBeGreaterThan(before);
  });

  test("stands in for each destination of a route with weights", async () => {
    const names = await Promise.all(Array.from({ length: 40 }, () => name("weighted")));
    expect(new Set(names)).toEqual(new Set(["primary", "reserve"]));
  });

  test("counts at a gateway, and not from a namespace that has nothing to say", async () => {
    expect((await askAt(EDGE, 8080, "any.test", "/")).echo().name).toBe("reserve");
    expect((await get("elsewhere")).status).toBe(503);
  });
});
