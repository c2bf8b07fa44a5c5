/** An agent on its own between a server of keys and a real Envoy under load: keys come and go, server and agent too, and no request fails. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Diagnostic } from "@heddle/model";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ask } from "../../../test/harness/request.ts";
import { failedOf, startLoad } from "../../../test/harness/load.ts";
import {
  createIssuerKey,
  type IssuerKey,
  type KeyServer,
  keySet,
  startKeyServer,
} from "../../../test/harness/token-issuer.ts";
import { type RunningAgent, startAgent } from "../agent.ts";
import { parseAgentOptions } from "../options.ts";
import {
  type EnvoyPod,
  serviceDocument,
  sliceDocument,
  startPod,
  until,
} from "../testing/envoy-pod.ts";
import { freePorts } from "../testing/free-ports.ts";
import { quiet } from "../testing/quiet-log.ts";

const envoyBinary = process.env["HEDDLE_ENVOY"];
const PORT = 9080;
const ADDRESS = "127.238.0.1";
const KEYS = "127.238.0.9";
const ISSUER = "https://issuer.test";
const RATE = 100;

describe.skipIf(!envoyBinary)("keys of an issuer at an agent", () => {
  let folder: string;
  let agent: RunningAgent;
  let pod: EnvoyPod;
  let server: KeyServer | undefined;
  let one: IssuerKey;
  let two: IssuerKey;
  let published: readonly IssuerKey[];
  const ports = { xds: 0, metrics: 0 };

  const openAgent = async () => {
    const flags = {
      ...{ standalone: true, roles: "control", jwksAllow: KEYS },
      ...{ config: path.join(folder, "config"), state: path.join(folder, "state") },
      ...{ xds: `127.0.0.1:${ports.xds}`, metrics: `127.0.0.1:${ports.metrics}` },
    };
    const options = parseAgentOptions(flags);
    const refresh = { usual: 200, least: 100, most: 200 };
    agent = await startAgent({ ...options, jwks: { ...options.jwks, refresh } }, quiet);
  };
  const openServer = async () => {
    server = await startKeyServer(KEYS, 8080, {
      "/keys": (_, response) => void response.end(JSON.stringify(keySet(...published))),
    });
  };
  const closeServer = async () => {
    await server?.stop();
    server = undefined;
  };
  const statusOf = async (token: string) => {
    const headers = { authorization: `Bearer ${token}` };
    return (await ask(ADDRESS, PORT, "api", "/", { headers })).status;
  };
  const found = async () => {
    const response = await fetch(`http://127.0.0.1:${ports.metrics}/debug/diagnostics`);
    const { items } = (await response.json()) as { items: Diagnostic[] };
    return items.map(({ code, level, origin }) => `${code} ${level} ${origin}`);
  };

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "heddle-rotation-"));
    await mkdir(path.join(folder, "config"));
    const [xds = 0, metrics = 0] = await freePorts(2);
    Object.assign(ports, { xds, metrics });
    one = await createIssuerKey(ISSUER, "one", "RS256");
    two = await createIssuerKey(ISSUER, "two", "ES256");
    published = [one];
    pod = await startPod(
      { name: "api-0", app: "api", address: ADDRESS, appAddress: "127.238.1.1", port: PORT },
      envoyBinary as string,
    );
    const policy = {
      apiVersion: "security.istio.io/v1",
      kind: "RequestAuthentication",
      metadata: { name: "tokens", namespace: "default" },
      spec: {
        jwtRules: [{ issuer: ISSUER, jwksUri: `http://${KEYS}:8080/keys`, presence: "REQUIRED" }],
      },
    };
    const items = [
      pod.document,
      serviceDocument("api", PORT),
      sliceDocument("api", PORT, [pod]),
      policy,
    ];
    const list = { apiVersion: "v1", kind: "List", items };
    await writeFile(path.join(folder, "config", "mesh.json"), JSON.stringify(list));
    await openServer();
    await openAgent();
    await pod.startEnvoy(ports.xds);
  }, 60_000);
  afterAll(async () => {
    await pod?.close();
    await agent?.close();
    await closeServer();
    await rm(folder, { recursive: true, force: true });
  });

  it("are rotated, and outlive their server and the agent, without a request that fails", async () => {
    const first = await one.sign({ exp: Math.floor(Date.now() / 1000) + 3_600 });
    const second = await two.sign();
    await until(async () => (await statusOf(first)) === 200, 8_000);
    expect(await statusOf(second)).toBe(401);
    const load = startLoad({
      ...{ url: `http://${ADDRESS}:${PORT}/`, rate: RATE, maxMs: 50_000 },
      headers: { authorization: `Bearer ${first}` },
    });
    const answered = (count: number) => load.answered(count, Date.now());

    published = [one, two];
    await until(async () => (await statusOf(second)) === 200, 8_000);
    await answered(RATE);

    await closeServer();
    await until(async () => (await found()).length > 0, 8_000);
    expect(await found()).toEqual(["HDL7290 Warning RequestAuthentication default/tokens"]);
    await answered(RATE);

    await agent.close();
    await openAgent();
    await until(async () => (await found()).length > 0, 8_000);
    await answered(RATE);
    expect([await statusOf(first), await statusOf(second)]).toEqual([200, 200]);

    // The next try may be seconds away.
    await openServer();
    await until(async () => (await found()).length === 0, 15_000);
    const samples = await load.stop();
    expect(failedOf(samples)).toEqual([]);
    expect(samples.length).toBeGreaterThan(3 * RATE);

    published = [two];
    await until(async () => (await statusOf(first)) === 401, 8_000);
    expect(await statusOf(second)).toBe(200);
  }, 60_000);
});
