/** How the addresses of an entry's hosts become known: by DNS, by the request, or not at all. */
import { afterAll, beforeAll, describe, expect } from "vitest";
import { asking, startDnsServer } from "../../harness/dns-server.ts";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { serviceEntry } from "../../harness/objects.ts";
import { proves } from "../proves.ts";

const NAMES = "127.102.0.53";
const A = "127.102.0.2";
const B = "127.102.0.3";
const ports = [{ number: 9080, name: "http", protocol: "HTTP" }];

let endDns: (() => Promise<void>) | undefined;
beforeAll(async () => {
  endDns = await startDnsServer(NAMES, {
    "all.test": [A, B],
    "first.test": [A, B],
    "elsewhere.test": [B],
    "a.dynamic.test": [A],
    "b.dynamic.test": [B],
    "none.test": [A],
    "x.none.test": [B],
  });
});
afterAll(async () => {
  await endDns?.();
});

describe.skipIf(!envoyBinary)("resolution of a ServiceEntry", () => {
  const mesh = startedMesh({
    workloads: {
      client: { address: "127.102.0.1", patch: asking(NAMES) },
      a: { address: A, ports: [9080], sidecar: false },
      b: { address: B, ports: [9080], sidecar: false },
    },
    objects: [
      serviceEntry("all", { hosts: ["all.test"], ports, resolution: "DNS" }),
      serviceEntry("named", {
        hosts: ["named.test"],
        ports,
        resolution: "DNS",
        endpoints: [{ address: "elsewhere.test" }],
      }),
      serviceEntry("first", { hosts: ["first.test"], ports, resolution: "DNS_ROUND_ROBIN" }),
      serviceEntry("dynamic", { hosts: ["*.dynamic.test"], ports, resolution: "DYNAMIC_DNS" }),
      serviceEntry("none", { hosts: ["none.test", "*.none.test"], ports, resolution: "NONE" }),
    ],
  });

  const whoAnswers = async (host: string, count = 20) => {
    const names = new Set<string>();
    for (let i = 0; i < count; i++) {
      const answer = await mesh.get("client", `${host}:9080`);
      names.add(answer.headers["x-application"] ?? String(answer.status));
    }
    return [...names].toSorted();
  };

  proves(
    "ServiceEntry",
    ["resolution=DNS", "endpoints[].address"],
    "every address that the host, or the endpoint's name, resolves to takes requests",
    async () => {
      expect(await whoAnswers("all.test")).toEqual(["a", "b"]);
      expect(await whoAnswers("named.test")).toEqual(["b"]);
    },
  );

  proves(
    "ServiceEntry",
    ["resolution=DNS_ROUND_ROBIN"],
    "one address of the host is used at a time",
    async () => {
      expect(await whoAnswers("first.test")).toHaveLength(1);
    },
  );

  proves(
    "ServiceEntry",
    ["resolution=DYNAMIC_DNS"],
    "the host that each request names is resolved",
    async () => {
      expect(await whoAnswers("a.dynamic.test", 3)).toEqual(["a"]);
      expect(await whoAnswers("b.dynamic.test", 3)).toEqual(["b"]);
      expect(await whoAnswers("c.dynamic.test", 1)).toEqual(["503"]);
    },
  );

  proves(
    "ServiceEntry",
    ["resolution=NONE"],
    "where nothing is intercepted, the host is resolved instead",
    async () => {
      expect(await whoAnswers("none.test", 3)).toEqual(["a"]);
      expect(await whoAnswers("x.none.test", 3)).toEqual(["b"]);
    },
  );
});
