/** Headless services and stateful sets: the service's name, and the names of its pods. */
import type { EndpointSlice, MeshObject } from "@heddle/model";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { peerAuthentication, service } from "../../harness/objects.ts";
import { askHttp1, type Speaker, startRelay } from "../../harness/protocols.ts";

const PODS = ["127.112.0.2", "127.112.0.3"];

/** The service of a stateful set, whose pods are `<name>-0` and `<name>-1`. */
const statefulSet = (name: string, addresses: readonly string[]) =>
  service(name, [{ name: "http", port: 9080 }], addresses).map((each): MeshObject => {
    if (each.kind !== "EndpointSlice") return each;
    const slice = each as MeshObject<EndpointSlice>;
    const endpoints = (slice.spec.endpoints ?? []).map((endpoint, index) => ({
      ...endpoint,
      hostname: `${name}-${index}`,
    }));
    return { ...slice, spec: { ...slice.spec, endpoints } };
  });

describe.skipIf(!envoyBinary)("a headless service, through an HTTP proxy", () => {
  const mesh = startedMesh({
    workloads: {
      client: { address: "127.112.0.1" },
      zero: { address: PODS[0] ?? "", ports: [9080], sidecar: false },
      one: { address: PODS[1] ?? "", ports: [9080], sidecar: false },
    },
    objects: statefulSet("db", PODS),
  });
  const whoAnswers = async (host: string) => {
    const names = new Set<string>();
    for (let i = 0; i < 12; i++) {
      const answer = await mesh.get("client", `${host}:9080`);
      names.add(answer.headers["x-application"] ?? String(answer.status));
    }
    return [...names].toSorted();
  };

  test("is all of its pods by its own name", async () => {
    expect(await whoAnswers("db")).toEqual(["one", "zero"]);
  });

  test("is one pod by the name of that pod", async () => {
    expect(await whoAnswers("db-0.db.default.svc.cluster.local")).toEqual(["zero"]);
    expect(await whoAnswers("db-1.db.default")).toEqual(["one"]);
  });
});

describe.skipIf(!envoyBinary)("pods of a stateful set, where traffic is intercepted", () => {
  const CLIENT = "127.112.4.1";
  const at = {
    "strict-0": "127.112.4.2",
    "strict-1": "127.112.4.3",
    "open-0": "127.112.4.4",
    "mixed-0": "127.112.4.5",
    "mixed-1": "127.112.4.6",
  };
  const workload = (name: keyof typeof at, sidecar = true) => ({
    address: at[name],
    labels: { app: name.replace(/-.*/, "") },
    ports: [9080],
    sidecar,
  });
  startedMesh({
    workloads: {
      client: { address: CLIENT, interception: "REDIRECT" },
      "strict-0": workload("strict-0"),
      "strict-1": workload("strict-1"),
      "open-0": workload("open-0"),
      "mixed-0": workload("mixed-0"),
      "mixed-1": workload("mixed-1", false),
    },
    objects: [
      ...statefulSet("strict", [at["strict-0"], at["strict-1"]]),
      ...statefulSet("open", [at["open-0"]]),
      ...statefulSet("mixed", [at["mixed-0"], at["mixed-1"]]),
      peerAuthentication("strict", {
        selector: { matchLabels: { app: "strict" } },
        mtls: { mode: "STRICT" },
      }),
      peerAuthentication("open", {
        selector: { matchLabels: { app: "open" } },
        mtls: { mode: "DISABLE" },
      }),
    ],
  });
  const relays: Speaker[] = [];
  beforeAll(async () => {
    for (const [index, address] of Object.values(at).entries()) {
      const to = `${address}:9080`;
      relays.push(await startRelay("127.112.9.1", 9080 + index, CLIENT, { to }));
    }
  });
  afterAll(async () => {
    await Promise.all(relays.map((each) => each.stop()));
  });

  /** Who answers, and whether the request came by mutual TLS. */
  const answer = async (pod: keyof typeof at, host: string) => {
    const port = 9080 + Object.keys(at).indexOf(pod);
    const { status, headers, body } = await askHttp1("127.112.9.1", port, `${host}:9080`);
    if (status !== 200) return status;
    const echo = JSON.parse(body) as { headers: Record<string, string> };
    return `${headers["x-application"]}${"x-forwarded-client-cert" in echo.headers ? " by mutual TLS" : ""}`;
  };

  test("are each reached by mutual TLS, by the service's name and their own", async () => {
    for (const pod of ["strict-0", "strict-1"] as const) {
      for (const host of ["strict", `${pod}.strict`, `${pod}.strict.default.svc.cluster.local`]) {
        expect(await answer(pod, host)).toBe(`${pod} by mutual TLS`);
      }
    }
  });

  test("are reached in the clear where they take no mutual TLS", async () => {
    expect(await answer("open-0", "open-0.open")).toBe("open-0");
  });

  test("are all reached in the clear where one of them is not in the mesh", async () => {
    expect(await answer("mixed-0", "mixed")).toBe("mixed-0");
    expect(await answer("mixed-1", "mixed")).toBe("mixed-1");
  });
});
