/** Backends behind ports that do not say what they speak, asked through a gateway by clients of both versions of HTTP. */
import type { GatewayApi } from "@heddle/model";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { gatewayApi, service } from "../../harness/objects.ts";
import {
  askHttp1,
  askHttp2,
  grpcClient,
  type Speaker,
  startGrpc,
  startHttp1,
  startHttp2,
} from "../../harness/protocols.ts";

const EDGE = "127.233.0.1";
const OLD = "127.233.0.2";
const NEW = "127.233.0.3";
const CALLED = "127.233.0.4";
const PORT = 9080;

const to = (name: string) => [{ backendRefs: [{ name, port: PORT }] }];
const route = (kind: "HTTPRoute" | "GRPCRoute", name: string) =>
  gatewayApi(kind, name, {
    parentRefs: [{ name: "edge" }],
    hostnames: [`${name}.example.com`],
    rules: to(name),
  });

describe.skipIf(!envoyBinary)("ports without a name, behind a gateway", () => {
  startedMesh({
    workloads: {
      edge: {
        address: EDGE,
        type: "router",
        labels: { "gateway.networking.k8s.io/gateway-name": "edge" },
      },
    },
    objects: [
      ...service("old", [{ name: "", port: PORT }], [OLD]),
      ...service("new", [{ name: "", port: PORT, appProtocol: "kubernetes.io/h2c" }], [NEW]),
      ...service("called", [{ name: "", port: PORT }], [CALLED]),
      gatewayApi<GatewayApi.Gateway>("Gateway", "edge", {
        gatewayClassName: "heddle",
        listeners: [{ name: "http", port: 8080, protocol: "HTTP" }],
      }),
      route("HTTPRoute", "old"),
      route("HTTPRoute", "new"),
      route("GRPCRoute", "called"),
    ],
  });
  let speakers: readonly Speaker[] = [];
  beforeAll(async () => {
    speakers = await Promise.all([
      startHttp1(OLD, PORT),
      startHttp2(NEW, PORT),
      startGrpc(CALLED, PORT),
    ]);
  });
  afterAll(() => Promise.all(speakers.map((each) => each.stop())));

  const versions = [
    { version: "HTTP/1.1", ask: askHttp1 },
    { version: "HTTP/2", ask: askHttp2 },
  ];
  test.each(versions)("are asked in HTTP/1.1 by a client of $version", async ({ ask }) => {
    const { status, body } = await ask(EDGE, 8080, "old.example.com");
    expect(status).toBe(200);
    expect(JSON.parse(body)).toMatchObject({ version: "1.1" });
  });

  test.each(versions)("with appProtocol h2c are asked in HTTP/2 for $version", async ({ ask }) => {
    const { status, body } = await ask(EDGE, 8080, "new.example.com");
    expect(status).toBe(200);
    expect(JSON.parse(body)).toMatchObject({ version: "2.0" });
  });

  test("that a GRPCRoute leads to are called", async () => {
    const client = grpcClient(EDGE, 8080, "called.example.com");
    try {
      expect(await client.say("hello")).toMatchObject({ code: 0 });
    } finally {
      client.close();
    }
  });
});
