/** Headless services and stateful sets: the service's name, and the names of its pods. */
import type { EndpointSlice, MeshObject } from "@heddle/model";
import { describe, expect, test } from "vitest";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { service } from "../../harness/objects.ts";

const PODS = ["127.112.0.2", "127.112.0.3"];

/** The service of a stateful set, whose pods are `db-0` and `db-1`. */
const stateful = service("db", [{ name: "http", port: 9080 }], PODS).map((each): MeshObject => {
  if (each.kind !== "EndpointSlice") return each;
  const slice = each as MeshObject<EndpointSlice>;
  const endpoints = (slice.spec.endpoints ?? []).map((endpoint, index) => ({
    ...endpoint,
    hostname: `db-${index}`,
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
    objects: stateful,
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
