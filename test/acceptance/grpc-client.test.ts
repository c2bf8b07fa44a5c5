/** A proxyless client: grpc-js's own xDS resolver calls a service through what the agent's ADS tells it. */
import * as grpc from "@grpc/grpc-js";
import { register } from "@grpc/grpc-js-xds";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { stringify } from "yaml";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type DemoProcess, removeDemoData, startDemoProcess } from "../harness/demo-process.ts";

let demo: DemoProcess;
let server: grpc.Server;
const BLOCK = 38;

const bytes = {
  requestSerialize: (value: Buffer) => value,
  requestDeserialize: (value: Buffer) => value,
  responseSerialize: (value: Buffer) => value,
  responseDeserialize: (value: Buffer) => value,
};
const METHOD = {
  path: "/test.Echo/Say",
  requestStream: false,
  responseStream: false,
  ...bytes,
} as const;

beforeAll(async () => {
  demo = await startDemoProcess({ port: 8750, gatewayPort: 8751, block: BLOCK });
  server = new grpc.Server();
  server.addService(
    { say: METHOD },
    {
      say: (call: { request: Buffer }, reply: (e: null, v: Buffer) => void) =>
        reply(null, call.request),
    },
  );
  await new Promise<void>((resolve, reject) =>
    server.bindAsync("127.38.0.50:7070", grpc.ServerCredentials.createInsecure(), (error) =>
      error ? reject(error) : resolve(),
    ),
  );
  const objects = [
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "echo", namespace: "default" },
      spec: { ports: [{ name: "grpc", port: 7070 }], selector: { app: "echo" } },
    },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: {
        name: "echo-1",
        namespace: "default",
        labels: { "kubernetes.io/service-name": "echo" },
      },
      addressType: "IPv4",
      ports: [{ name: "grpc", port: 7070, protocol: "TCP" }],
      endpoints: [{ addresses: ["127.38.0.50"], conditions: { ready: true } }],
    },
  ];
  await writeFile(
    path.join(demo.dataDir, "cluster/echo.yaml"),
    objects.map((o) => stringify(o)).join("---\n"),
  );
});
afterAll(async () => {
  server?.forceShutdown();
  await demo?.stop();
  await removeDemoData(demo);
});

test("grpc-js's xDS client calls a service by its mesh name", async () => {
  process.env["GRPC_XDS_BOOTSTRAP_CONFIG"] = JSON.stringify({
    xds_servers: [
      {
        server_uri: `127.${BLOCK}.0.1:15010`,
        channel_creds: [{ type: "insecure" }],
        server_features: ["xds_v3"],
      },
    ],
    node: {
      id: `sidecar~127.${BLOCK}.0.60~grpc-client.default~default.svc.cluster.local`,
      locality: {},
    },
  });
  register();
  const client = new grpc.Client(
    "xds:///echo.default.svc.cluster.local:7070",
    grpc.credentials.createInsecure(),
  );
  const answer = await new Promise<Buffer>((resolve, reject) => {
    client.makeUnaryRequest(
      METHOD.path,
      METHOD.requestSerialize,
      METHOD.responseDeserialize,
      Buffer.from("hello"),
      new grpc.Metadata(),
      { deadline: Date.now() + 20_000 },
      (error, value) => (error || !value ? reject(error ?? new Error("empty")) : resolve(value)),
    );
  });
  client.close();
  expect(answer.toString()).toBe("hello");
});
