/** A Redaction from the plane to what the plane stores: by the agent's control process to its telemetry process, while both run. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Client, credentials } from "@grpc/grpc-js";
import { createClient, type HeddleClient } from "@heddle/client";
import type { MeshObject } from "@heddle/model";
import { encodeLogs } from "@heddle/telemetry";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RunningPlane, startPlane } from "../../apps/api/src/node.ts";
import { type RunningAgent, startAgent } from "./agent.ts";
import { parseAgentOptions } from "./options.ts";
import { createRedactions } from "./redactions.ts";

test("the same settings are given until a Redaction changes, oldest first", () => {
  const objects = new Map<string, MeshObject>();
  const put = (name: string, creationTimestamp: string) => {
    const metadata = { name, namespace: "shop", labels: {}, annotations: {}, creationTimestamp };
    const key = `heddle.dev/Redaction/shop/${name}`;
    objects.set(key, { apiVersion: "heddle.dev/v1", kind: "Redaction", metadata, spec: {} });
    return key;
  };
  const redactions = createRedactions({
    ...{ rootNamespace: "istio-system", key: "k" },
    objectAt: (key) => objects.get(key),
  });
  const none = redactions.settings();
  expect(none.policy.objects).toEqual([]);
  expect(redactions.objectsChanged(["core/Service/shop/a"])).toBe(false);
  expect(redactions.settings()).toBe(none);
  const keys = [put("new", "2026-02-01T00:00:00Z"), put("old", "2026-01-01T00:00:00Z")];
  expect(redactions.objectsChanged(keys)).toBe(true);
  expect(redactions.settings().policy.objects.map(({ name }) => name)).toEqual(["old", "new"]);
  objects.delete(keys[0]!);
  redactions.objectsChanged(keys);
  expect(redactions.settings().policy.objects.map(({ name }) => name)).toEqual(["old"]);
});

const silent = { info() {}, warn() {}, error() {} };
let folder: string;
let plane: RunningPlane;
let agent: RunningAgent | undefined;
let client: HeddleClient;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "heddle-redactions-"));
  plane = await startPlane({ port: 0, dataDir: path.join(folder, "plane"), log: silent });
  client = createClient({ baseUrl: plane.url, token: plane.adminToken });
  await client.createMesh({ name: "test", trustDomain: "test.example" });
  const { token } = await client.createJoinToken("test", { name: "test" });
  const flags = {
    ...{ plane: plane.url, token, name: "test", state: path.join(folder, "agent") },
    ...{ metrics: "off", otlp: "127.0.0.1:0", roles: "control,telemetry" },
  };
  agent = await startAgent(parseAgentOptions(flags), silent);
}, 60_000);
afterAll(async () => {
  await agent?.close();
  await plane.close();
  await rm(folder, { recursive: true });
});

let lines = 0;
/** What the plane stores of a line. */
async function stored(text: string): Promise<string> {
  const line = `line-${++lines}`;
  const sender = new Client(`127.0.0.1:${agent?.ports.otlp}`, credentials.createInsecure());
  const same = (bytes: Buffer) => bytes;
  const timeNs = BigInt(Date.now()) * 1_000_000n;
  const record = { timeNs, severity: "INFO", body: `${line} ${text}`, traceId: "", spanId: "" };
  const resource = { "service.name": "web", "k8s.namespace.name": "shop" };
  const content = Buffer.from(encodeLogs([{ ...record, attributes: {}, resource }]));
  const send = () =>
    new Promise((resolve) =>
      sender.makeUnaryRequest(
        "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        ...([same, same, content] as const),
        (error) => resolve(error),
      ),
    );
  // An agent that is in touch with the plane for the first time takes nothing before.
  await expect.poll(send, { timeout: 20_000 }).toBeNull();
  sender.close();
  let body: string | undefined;
  await expect
    .poll(
      async () => {
        const { items } = await client.transport.json<{ items: { body: string }[] }>(
          "GET",
          "/v1/meshes/test/logs",
        );
        return (body = items.find((item) => item.body.startsWith(`${line} `))?.body);
      },
      { timeout: 20_000 },
    )
    .toBeDefined();
  return body!.slice(line.length + 1);
}

test(
  "a rule that is applied holds for the next lines, without a restart",
  { timeout: 90_000 },
  async () => {
    const text = "anna@example.org password=hunter2";
    expect(await stored(text)).toBe("anna@example.org password=[redacted]");
    const content = `apiVersion: heddle.dev/v1
kind: Redaction
metadata: { name: people, namespace: shop }
spec:
  rules: [{ what: { detectors: [EMAIL] }, how: { mask: somebody } }]
`;
    await client.apply("test", { files: [{ name: "r.yaml", content }], message: "people" });
    await expect.poll(() => stored(text), { timeout: 30_000 }).toBe("somebody password=[redacted]");
  },
);
