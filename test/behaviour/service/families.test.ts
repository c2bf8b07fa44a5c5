/** IPv4 and IPv6: a client is sent only to addresses of families that it has itself. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Application, startApplication } from "../../harness/application.ts";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { serviceEntry } from "../../harness/objects.ts";

const FOUR = "127.110.0.4";
const SIX = "::1";
const PORT = 19_110;

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
      four: { address: FOUR, ports: [PORT], sidecar: false },
    },
    objects: [
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

  test("are used as far as a client can reach them", async () => {
    expect(await whoAnswers("old", "both.test")).toEqual(["four"]);
    expect(await whoAnswers("old", "six.test")).toEqual(["503"]);
  });
});
