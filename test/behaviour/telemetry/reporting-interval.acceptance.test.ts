/** Bytes of connections that go on, as the agent's scrapes have them from the proxies of both ends. */
import { startTelemetry, type RunningTelemetry } from "@heddle/agent/telemetry";
import type { MeshObject, Telemetry } from "@heddle/model";
import { parseLabels, parsePrometheus } from "@heddle/telemetry";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { listening } from "../../harness/application.ts";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { connectThrough } from "../../harness/intercepted.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { object, service } from "../../harness/objects.ts";
import { proves } from "../proves.ts";

/** `said` have a Telemetry of their namespace, and some one of their own; of `unsaid` nothing is said. */
const WORKLOADS = {
  quick: { address: "127.216.0.1", namespace: "said" },
  slow: { address: "127.216.0.2", namespace: "said" },
  ending: { address: "127.216.0.3", namespace: "said" },
  plain: { address: "127.216.0.4", namespace: "unsaid" },
} as const;
const SERVERS = {
  "quick-server": { address: "127.216.0.5", namespace: "said", virtual: "10.216.0.5" },
  "plain-server": { address: "127.216.0.6", namespace: "unsaid", virtual: "10.216.0.6" },
} as const;
type Client = keyof typeof WORKLOADS;
type To = keyof typeof SERVERS;
const PORT = 9090;
const WAYS = ["sent", "received"] as const;

function telemetry(
  name: string,
  namespace: string,
  interval: string,
  own: boolean,
  more: Telemetry = {},
): MeshObject<Telemetry> {
  const spec: Telemetry = {
    ...(own ? { selector: { matchLabels: { app: name } } } : {}),
    metrics: [{ reportingInterval: interval, ...more.metrics?.[0] }],
  };
  return object("telemetry.istio.io/v1", "Telemetry", name, spec, namespace);
}

describe.skipIf(!envoyBinary)("bytes of connections that go on", () => {
  const applications: Server[] = [];
  let agent: RunningTelemetry;
  let spool: string;
  /** By the agent. */
  const said: string[] = [];

  startedMesh({
    workloads: {
      ...Object.fromEntries(
        Object.entries(WORKLOADS).map(([name, workload]) => [
          name,
          { ...workload, interception: "REDIRECT" as const },
        ]),
      ),
      ...Object.fromEntries(
        Object.entries(SERVERS).map(([name, { address, namespace }]) => [
          name,
          // The application of this port is not asked; the one for connections is started below.
          { address, namespace, ports: [8999] },
        ]),
      ),
    },
    objects: [
      ...Object.entries(SERVERS).flatMap(([name, { address, namespace, virtual }]) =>
        service(name, [{ name: "tcp", port: PORT }], [address], {
          namespace,
          clusterIP: virtual,
        }),
      ),
      telemetry("everybody", "said", "1h", false),
      telemetry("quick", "said", "1s", true),
      telemetry("quick-server", "said", "1s", true),
      telemetry("ending", "said", "1s", true, {
        metrics: [
          {
            overrides: [
              {
                match: { metric: "TCP_SENT_BYTES" },
                tagOverrides: { took: { value: "request.duration" } },
              },
            ],
          },
        ],
      }),
    ],
  });

  beforeAll(async () => {
    for (const { address } of Object.values(SERVERS)) {
      const echo = createServer((socket) => {
        socket.on("error", () => undefined).pipe(socket);
      });
      await listening(echo, address.replace(".0.", ".1."), PORT);
      applications.push(echo);
    }
    spool = await mkdtemp(join(tmpdir(), "heddle-reporting-"));
    agent = await startTelemetry({
      otlpAddress: "127.216.2.1:0",
      metricsAddress: "127.216.2.1:0",
      spoolDir: spool,
      separate: false,
      log: (_, message, fields) => said.push(`${message} ${String(fields?.["proxy"])}`),
      proxies: () =>
        Object.entries({ ...WORKLOADS, ...SERVERS }).map(([name, { address, namespace }]) => ({
          name: `${name}.${namespace}`,
          address,
        })),
    });
  });
  afterAll(async () => {
    await agent?.close();
    for (const application of applications) application.close();
    await rm(spool, { recursive: true, force: true });
  });

  /** What Prometheus is told of a client's bytes, by who counted them. */
  async function told(client: Client, to: To) {
    const answer = await fetch(`http://127.216.2.1:${agent.ports.metrics}/stats/prometheus`);
    const families = parsePrometheus(await answer.text());
    expect(families.filter(({ name }) => name.endsWith("_open"))).toEqual([]);
    return Object.fromEntries(
      WAYS.flatMap((way) => {
        const family = families.find(({ name }) => name === `istio_tcp_${way}_bytes_total`);
        const samples = (family?.samples ?? []).map(({ labels, value }) => ({
          value,
          labels: parseLabels(labels),
        }));
        const sum = (reporter: string, pod: string, principal: string) =>
          samples
            .filter(
              ({ labels }) =>
                labels["reporter"] === reporter &&
                labels["pod"] === pod &&
                labels["source_principal"]?.endsWith(`/sa/${principal}`) &&
                labels["destination_service_name"] === to,
            )
            .reduce((all, { value }) => all + value, 0);
        return [
          [`source ${way}`, sum("source", client, client)],
          [`destination ${way}`, sum("destination", to, client)],
        ];
      }),
    );
  }
  const everywhere = (bytes: number) => ({
    "source sent": bytes,
    "destination sent": bytes,
    "source received": bytes,
    "destination received": bytes,
  });

  const open = (client: Client, to: To) =>
    connectThrough(WORKLOADS[client].address, { to: `${SERVERS[to].virtual}:${PORT}` });
  /** Resolves when all has come back. */
  const say = (socket: Socket, bytes: number) =>
    new Promise<void>((resolve, reject) => {
      let back = 0;
      const heard = (chunk: Buffer) => {
        back += chunk.length;
        if (back < bytes) return;
        socket.off("data", heard);
        resolve();
      };
      socket.on("data", heard).once("error", reject).write("x".repeat(bytes));
    });
  /** Milliseconds until all is told; what is told on the way never goes back, and is never more. */
  async function untilTold(client: Client, to: To, expected: Record<string, number>) {
    const start = performance.now();
    let last: Record<string, number> = {};
    for (;;) {
      const now = await told(client, to);
      for (const [key, value] of Object.entries(now)) {
        expect(value).toBeGreaterThanOrEqual(last[key] ?? 0);
        expect(value).toBeLessThanOrEqual(expected[key] ?? 0);
      }
      last = now;
      const took = performance.now() - start;
      if (Object.entries(expected).every(([key, value]) => now[key] === value)) return took;
      if (took > 20_000) throw new Error(`told after 20 s: ${JSON.stringify(now)}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  proves(
    "Telemetry",
    ["metrics[].reportingInterval"],
    "bytes are told at both ends while a connection goes on: every second, every five without a word, at the end after an hour; all when it has ended",
    async () => {
      const [quick, plain, slow] = await Promise.all([
        open("quick", "quick-server"),
        open("plain", "plain-server"),
        open("slow", "quick-server"),
      ]);
      await Promise.all([say(quick, 1000), say(plain, 2000), say(slow, 3000)]);
      const [quickly, plainly] = await Promise.all([
        untilTold("quick", "quick-server", everywhere(1000)),
        untilTold("plain", "plain-server", everywhere(2000)),
      ]);
      // An interval, the second that a scrape may be old, and the machine's own slowness.
      expect(quickly).toBeLessThan(3500);
      expect(plainly).toBeGreaterThan(3500);
      expect(plainly).toBeLessThan(7500);
      await say(quick, 500_000);
      expect(await untilTold("quick", "quick-server", everywhere(501_000))).toBeLessThan(3500);
      // The server's own Telemetry tells of it; the client's is the one of its namespace.
      expect(await told("slow", "quick-server")).toEqual({
        ...everywhere(0),
        "destination sent": 3000,
        "destination received": 3000,
      });

      await Promise.all([say(quick, 7), say(plain, 7), say(slow, 7)]);
      for (const socket of [quick, plain, slow]) socket.end();
      await Promise.all([
        untilTold("quick", "quick-server", everywhere(501_007)),
        untilTold("plain", "plain-server", everywhere(2007)),
        untilTold("slow", "quick-server", everywhere(3007)),
      ]);
      // A connection that is over is not told of twice.
      await new Promise((resolve) => setTimeout(resolve, 2500));
      expect(await told("quick", "quick-server")).toEqual(everywhere(501_007));
    },
  );

  test("connections of one series add up, whichever ends first and however it ends", async () => {
    const before = (await told("quick", "quick-server"))["source sent"]!;
    const sockets = await Promise.all(
      Array.from({ length: 4 }, () => open("quick", "quick-server")),
    );
    await Promise.all(sockets.map((socket, index) => say(socket, 10 ** (index + 1))));
    await untilTold("quick", "quick-server", everywhere(before + 11_110));
    sockets[0]!.end();
    sockets[1]!.resetAndDestroy();
    await untilTold("quick", "quick-server", everywhere(before + 11_110));
    await say(sockets[2]!, 5);
    await untilTold("quick", "quick-server", everywhere(before + 11_115));
    sockets[3]!.destroy();
    sockets[2]!.destroy();
    await new Promise((resolve) => setTimeout(resolve, 2500));
    expect(await told("quick", "quick-server")).toEqual(everywhere(before + 11_115));
  }, 60_000);

  test("a metric with a label of how connections end is counted at their end, the other in time", async () => {
    const socket = await open("ending", "plain-server");
    await say(socket, 1000);
    await untilTold("ending", "plain-server", { ...everywhere(1000), "source sent": 0 });
    socket.end();
    await untilTold("ending", "plain-server", everywhere(1000));
  }, 60_000);

  test("a proxy writes its counters before its gauges, which the sums rely on", async () => {
    const before = (await told("quick", "quick-server"))["source sent"]!;
    const socket = await open("quick", "quick-server");
    await say(socket, 1);
    const { address } = SERVERS["quick-server"];
    const written = async () =>
      (await (await fetch(`http://${address}:15090/stats/prometheus`)).text())
        .split("\n")
        .flatMap(
          (line) => /^envoy_heddle_istio_tcp_sent_bytes_(total|open)\{/.exec(line)?.[1] ?? [],
        );
    await expect.poll(written, { timeout: 8_000 }).toContain("open");
    const kinds = await written();
    expect(kinds.lastIndexOf("total")).toBeLessThan(kinds.indexOf("open"));
    expect(kinds).toContain("total");
    socket.end();
    await untilTold("quick", "quick-server", everywhere(before + 1));
  });

  test("more connections than a listener keeps are counted at their end, and the agent says so", async () => {
    const before = (await told("quick", "quick-server"))["source sent"]!;
    // A few at a time, so that none takes an interval to be made.
    const sockets: Socket[] = [];
    while (sockets.length < 1100) {
      const some = await Promise.all(
        Array.from({ length: 20 }, () => open("quick", "quick-server")),
      );
      await Promise.all(some.map((socket) => say(socket, 10)));
      sockets.push(...some);
    }
    const { address } = WORKLOADS.quick;
    const kept = async () => {
      const text = await (await fetch(`http://${address}:15090/stats/prometheus`)).text();
      return text.split("\n").filter((line) => line.includes("_open{")).length;
    };
    await expect.poll(kept, { timeout: 20_000 }).toBeGreaterThanOrEqual(3000);
    const full =
      "a proxy has as many TCP connections as one listener tells of; more of them count when they end";
    const most = () => said.filter((line) => line.startsWith(full)).toSorted();
    await expect
      .poll(async () => ((await told("quick", "quick-server")) ? most() : []), { timeout: 20_000 })
      .toEqual([`${full} quick-server.said`, `${full} quick.said`]);
    // Other filter chains have some too, of earlier connections.
    expect(await kept()).toBeLessThan(3100);
    const whileOpen = async () => (await told("quick", "quick-server"))["source sent"]! - before;
    await expect.poll(whileOpen, { timeout: 20_000 }).toBeGreaterThanOrEqual(8000);
    expect(await whileOpen()).toBeLessThan(11_000);
    for (const socket of sockets) socket.destroy();
    await untilTold("quick", "quick-server", everywhere(before + 11_000));
    await new Promise((resolve) => setTimeout(resolve, 2500));
    expect(await told("quick", "quick-server")).toEqual(everywhere(before + 11_000));
  }, 120_000);
});
