/** A sidecar that asks for the hosts which its workload calls: its first request is served as every other. */
import { describe, expect } from "vitest";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { type TestMesh, startedMesh } from "../../harness/mesh.ts";
import { service, virtualService } from "../../harness/objects.ts";
import { proves } from "../proves.ts";

const PORT = 9080;
/** Longer than a request waits for the answer to what it asks. */
const SILENCE_MS = 11_000;
const HTTP = [{ name: "http", port: PORT }];

const CLIENT = "127.250.0.1";
const [A, B, C] = ["127.250.0.2", "127.250.0.3", "127.250.0.4"];
const workloads = (client: string) => ({
  client: { address: client },
  a: { address: A, ports: [PORT] },
  b: { address: B, ports: [PORT] },
  c: { address: C, ports: [PORT] },
});
const to = (host: string) => [{ destination: { host } }];
const objects = [
  ...["a", "plain", "faulty", "picky", "body", "slow", "silent"].flatMap((name) =>
    service(name, HTTP, [A]),
  ),
  ...["b", "split", "mirrored"].flatMap((name) => service(name, HTTP, [B])),
  ...service("c", HTTP, [C]),
  ...Array.from({ length: 30 }, (_, i) => service(`idle-${i}`, HTTP, [A])).flat(),
  virtualService("faulty", {
    hosts: ["faulty"],
    http: [
      { fault: { abort: { httpStatus: 418, percentage: { value: 100 } } }, route: to("faulty") },
    ],
  }),
  virtualService("picky", {
    hosts: ["picky"],
    http: [{ match: [{ uri: { prefix: "/here" } }], route: to("picky") }],
  }),
  virtualService("split", {
    hosts: ["split"],
    http: [
      {
        route: [
          { destination: { host: "a" }, weight: 50 },
          { destination: { host: "b" }, weight: 50 },
        ],
      },
    ],
  }),
  virtualService("mirrored", {
    hosts: ["mirrored"],
    http: [{ route: to("b"), mirror: { host: "c" }, mirrorPercentage: { value: 100 } }],
  }),
];

/** Outbound clusters that an Envoy has, by their services' names. */
async function held(mesh: TestMesh<"client" | "a" | "b" | "c">): Promise<readonly string[]> {
  const clusters = await mesh.envoy("client").admin("/clusters");
  const hosts = [...clusters.matchAll(/^outbound\|\d+\|\|([^.]+)\./gm)].map(
    ([, name = ""]) => name,
  );
  return [...new Set(hosts)].toSorted();
}

describe.skipIf(!envoyBinary)("a sidecar that asks", () => {
  const mesh = startedMesh({ workloads: workloads(CLIENT), objects, onDemand: true });

  proves(
    "MeshSettings",
    ["onDemand=ALWAYS"],
    "holds what it was asked for, and nothing before",
    async () => {
      expect(await held(mesh)).toEqual([]);
      const { status, headers } = await mesh.get("client", `plain:${PORT}`);
      expect([status, headers["x-application"]]).toEqual([200, "a"]);
      expect(await held(mesh)).toEqual(["plain"]);
    },
  );

  proves({}, "obeys the rules of a host with its first request to it", async () => {
    expect((await mesh.get("client", `faulty:${PORT}`)).status).toBe(418);
    expect((await mesh.get("client", `picky:${PORT}`, "/here")).status).toBe(200);
    expect((await mesh.get("client", `picky:${PORT}`, "/nowhere")).status).toBe(404);
  });

  proves({}, "has every cluster that a rule leads to, mirrors among them", async () => {
    const answers = await Promise.all(
      Array.from({ length: 30 }, () => mesh.get("client", `split:${PORT}`)),
    );
    expect(new Set(answers.map(({ headers }) => headers["x-application"]))).toEqual(
      new Set(["a", "b"]),
    );
    const before = mesh.applications("c")[0]!.requests.length;
    expect((await mesh.get("client", `mirrored:${PORT}`)).headers["x-application"]).toBe("b");
    await expect.poll(() => mesh.applications("c")[0]!.requests.length).toBe(before + 1);
  });

  proves({}, "knows a host by each of its names, and nobody by any other", async () => {
    for (const name of [
      "c",
      "c.default",
      "c.default.svc",
      "c.default.svc.cluster.local",
      "C.Default",
    ])
      expect((await mesh.get("client", `${name}:${PORT}`)).headers["x-application"]).toBe("c");
    for (const name of ["nobody", "c.elsewhere", "www.example.com", "10.99.0.1"])
      expect((await mesh.get("client", `${name}:${PORT}`)).status).toBe(502);
  });

  proves({}, "sends the whole body of a first request", async () => {
    const body = "x".repeat(300_000);
    const { status } = await mesh.get("client", `body:${PORT}`, "/", { method: "POST", body });
    expect(status).toBe(200);
  });

  proves({}, "waits for a silent server as long as it takes", async () => {
    const { status } = await mesh.get("client", `slow:${PORT}`, `/slow/${SILENCE_MS}`);
    expect(status).toBe(200);
  });
});

describe.skipIf(!envoyBinary)("a sidecar that is given everything", () => {
  describe.each([["NEVER"], ["AUTO"]] as const)("%s", (onDemand) => {
    const mesh = startedMesh({
      workloads: workloads(onDemand === "NEVER" ? "127.250.0.11" : "127.250.0.12"),
      objects,
      onDemand: true,
      settings: { onDemand },
    });

    proves(
      "MeshSettings",
      [`onDemand=${onDemand}`],
      "has all hosts where there are few, or where nobody shall ask",
      async () => {
        expect(await held(mesh)).toHaveLength(41);
        expect((await mesh.get("client", `plain:${PORT}`)).status).toBe(200);
      },
    );
  });
});
