/** Connections to a listener that a Sidecar binds, where several services are on its port. */
import type { MeshObject, ServiceEntry } from "@heddle/model";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Greeter, greeting, startGreeter } from "../../harness/bytes.ts";
import { createAuthority } from "../../harness/certificates.ts";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { object, service, sidecar, virtualService } from "../../harness/objects.ts";

const BOUND = "127.70.0.19";
const A = "127.70.0.2";
const B = "127.70.0.3";
const C = "127.70.0.4";

/** A host of one namespace alone. */
const entry = (namespace: string, address: string): MeshObject<ServiceEntry> =>
  object(
    "networking.istio.io/v1",
    "ServiceEntry",
    "shared",
    {
      hosts: ["shared.test"],
      ports: [{ number: 7300, name: "tcp", protocol: "TCP" }],
      resolution: "STATIC",
      location: "MESH_INTERNAL",
      endpoints: [{ address }],
      exportTo: ["."],
    },
    namespace,
  );

const listener = (number: number, protocol: string, ...hosts: string[]) => ({
  port: { number, protocol, name: `p${number}` },
  bind: BOUND,
  captureMode: "NONE" as const,
  hosts,
});

describe.skipIf(!envoyBinary)("a bound listener for connections", () => {
  startedMesh({
    workloads: { client: { address: "127.70.0.1" } },
    objects: [
      ...service("one", [{ name: "tls", port: 7443 }], [A]),
      ...service("two", [{ name: "https", port: 7443 }], [B]),
      ...service("plain", [{ name: "tcp", port: 7443 }], [C]),
      ...service("lone", [{ name: "tls", port: 7444 }], [A]),
      ...service("a-tcp", [{ name: "tcp", port: 7100 }], [A]),
      ...service("b-tcp", [{ name: "tcp", port: 7100 }], [B]),
      entry("a-far", A),
      entry("default", B),
      virtualService("two", {
        hosts: ["two", "else.test"],
        tls: [
          { match: [{ sniHosts: ["else.test"] }], route: [{ destination: { host: "two" } }] },
          {
            match: [{ sniHosts: ["two.default.svc.cluster.local"] }],
            route: [{ destination: { host: "two" } }],
          },
        ],
      }),
      sidecar("client", {
        workloadSelector: { labels: { app: "client" } },
        egress: [
          listener(7443, "TLS", "./*"),
          listener(7444, "TLS", "./*"),
          listener(7100, "TCP", "./*"),
          listener(7300, "TCP", "*/shared.test"),
        ],
      }),
    ],
  });
  const greeters: Greeter[] = [];
  beforeAll(async () => {
    const leaf = await (await createAuthority()).issue("any.test");
    greeters.push(
      await startGreeter("one", A, 7443, leaf),
      await startGreeter("two", B, 7443, leaf),
      await startGreeter("plain", C, 7443),
      await startGreeter("lone", A, 7444, leaf),
      ...(await Promise.all([A, B].map((at) => startGreeter(at, at, 7100)))),
      ...(await Promise.all([A, B].map((at) => startGreeter(at, at, 7300)))),
    );
  });
  afterAll(async () => {
    await Promise.all(greeters.map((each) => each.stop()));
  });

  const secure = async (port: number, servername: string) =>
    (await greeting(BOUND, port, { secure: true, servername })).text;

  test("tells services in TLS apart by the name that the client asks for, and by their rules", async () => {
    expect(await secure(7443, "one.default.svc.cluster.local")).toBe("one");
    expect(await secure(7443, "two.default.svc.cluster.local")).toBe("two");
    expect(await secure(7443, "else.test")).toBe("two");
  });

  test("leads what is no TLS to the service in the clear", async () => {
    expect((await greeting(BOUND, 7443, { say: "not TLS at all\n" })).text).toBe("plain");
  });

  test("asks for no name where there is one service alone", async () => {
    expect(await secure(7444, "whatever.test")).toBe("lone");
  });

  test("leads to the first of several that nothing tells apart", async () => {
    expect((await greeting(BOUND, 7100)).text).toBe(A);
  });

  test("of a host that several namespaces have leads to the one that the client sees", async () => {
    expect((await greeting(BOUND, 7300)).text).toBe(B);
  });
});
