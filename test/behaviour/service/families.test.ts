/** IPv4 and IPv6: a client is sent only to addresses of families that it has itself. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Application, startApplication } from "../../harness/application.ts";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { gateway, serviceEntry, virtualService } from "../../harness/objects.ts";
import { ask } from "../../harness/request.ts";

const FOUR = "127.110.0.4";
const SIX = "::1";
const PORT = 19_110;
const EDGE_PORT = 19_210;

let six: Application | undefined;
beforeAll(async () => {
  six = await startApplication("six", SIX, PORT);
});
afterAll(async () => {
  await six?.stop();
});

describe.skipIf(!envoyBinary)("endpoints of both families", () => {
  const ports = [{ number: PORT, name: "http", protocol: "HTTP" }];
  const mesh = startedMesh({
    workloads: {
      old: { address: "127.110.0.1" },
      dual: { address: "127.110.0.2", otherAddresses: ["fd00::2"] },
      edge: {
        address: "127.110.0.3",
        otherAddresses: ["fd00::3"],
        type: "router",
        labels: { app: "edge" },
        // As in a pod, it listens at every address.
        interception: "REDIRECT",
      },
      four: { address: FOUR, ports: [PORT], sidecar: false },
    },
    objects: [
      gateway("edge", {
        selector: { app: "edge" },
        servers: [{ port: { number: EDGE_PORT, name: "http", protocol: "HTTP" }, hosts: ["*"] }],
      }),
      virtualService("edge", {
        hosts: ["*"],
        gateways: ["edge"],
        http: [
          { match: [{ uri: { prefix: "/six" } }], route: [{ destination: { host: "six.test" } }] },
          { route: [{ destination: { host: "both.test" } }] },
        ],
      }),
      serviceEntry("both", {
        hosts: ["both.test"],
        ports,
        resolution: "STATIC",
        endpoints: [{ address: FOUR }, { address: SIX }],
      }),
      serviceEntry("six", {
        hosts: ["six.test"],
        ports,
        resolution: "STATIC",
        endpoints: [{ address: SIX }],
      }),
    ],
  });
  const whoAnswers = async (from: "old" | "dual", host: string) => {
    const names = new Set<string>();
    for (let i = 0; i < 12; i++) {
      const answer = await mesh.get(from, `${host}:${PORT}`);
      names.add(answer.headers["x-application"] ?? String(answer.status));
    }
    return [...names].toSorted();
  };

  test("are all used by a client that has both", async () => {
    expect(await whoAnswers("dual", "both.test")).toEqual(["four", "six"]);
    expect(await whoAnswers("dual", "six.test")).toEqual(["six"]);
  });

  test("are reached through a gateway of both, by clients of either", async () => {
    for (const at of ["127.110.0.3", SIX]) {
      const answers = await Promise.all(
        Array.from({ length: 12 }, () => ask(at, EDGE_PORT, "edge.test", "/")),
      );
      const names = new Set(answers.map(({ headers }) => headers["x-application"]));
      expect([...names].toSorted(), at).toEqual(["four", "six"]);
      expect((await ask(at, EDGE_PORT, "edge.test", "/six")).headers["x-application"]).toBe("six");
      // An address is a host as well, written as URLs have it.
      expect((await ask(at, EDGE_PORT, `[::1]:${EDGE_PORT}`, "/six")).status).toBe(200);
    }
  });

  test("are used as far as a client can reach them", async () => {
    expect(await whoAnswers("old", "both.test")).toEqual(["four"]);
    expect(await whoAnswers("old", "six.test")).toEqual(["503"]);
  });
});
