/** A gateway with 500 key pairs, all replaced at once under load: no request fails, and each host has its new one. */
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { Agent, request } from "node:https";
import { tmpdir } from "node:os";
import path from "node:path";
import { X509Certificate } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createAuthority, type Leaf, type TestAuthority } from "../harness/certificates.ts";
import { type RunningEnvoy, startEnvoy } from "../harness/envoy-process.ts";
import { startFileAgent, workloadBootstrap } from "../harness/file-agent.ts";
import { gateway, virtualService } from "../harness/objects.ts";
import { plainSerial, presentedSerial } from "../harness/sidecar-tls.ts";

const HOSTS = 500;
/** Requests a second, each on a connection that takes five. */
const RATE = 300;
const PER_CONNECTION = 5;
const [AGENT, EDGE, PORT] = ["127.59.0.9", "127.59.0.1", 8443];
const WITHIN_MS = 60_000;
const hosts = Array.from({ length: HOSTS }, (_, index) => `shop-${index}.test`);
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

let folder: string;
let authority: TestAuthority;
let envoy: RunningEnvoy;
let agent: Awaited<ReturnType<typeof startFileAgent>>;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "heddle-key-pairs-"));
  await mkdir(path.join(folder, "config"));
  authority = await createAuthority();
  await write("rules", [
    gateway("edge", {
      selector: { app: "edge" },
      servers: hosts.map((host, index) => ({
        port: { number: PORT, name: `https-${index}`, protocol: "HTTPS" },
        hosts: [host],
        tls: { mode: "SIMPLE", credentialName: nameOf(host) },
      })),
    }),
    virtualService("answers", {
      hosts: ["*"],
      gateways: ["edge"],
      http: [{ directResponse: { status: 200, body: { string: "here" } } }],
    }),
  ]);
  await writeSecrets(await pairs());
  agent = await startFileAgent(folder, path.join(folder, "config"), AGENT);
  const edge = { name: "edge", type: "router", address: EDGE, labels: { app: "edge" } } as const;
  envoy = await startEnvoy(workloadBootstrap(edge, AGENT), 120_000);
}, 300_000);
afterAll(async () => {
  await envoy?.stop();
  await agent?.stop();
  await rm(folder, { recursive: true, force: true });
});

const nameOf = (host: string) => host.replace(".test", "");

async function pairs(): Promise<Map<string, Leaf>> {
  const leaves = new Map<string, Leaf>();
  for (const host of hosts) leaves.set(host, await authority.issue(host));
  return leaves;
}

function writeSecrets(leaves: ReadonlyMap<string, Leaf>): Promise<void> {
  return write(
    "secrets",
    [...leaves].map(([host, { chain, key }]) => ({
      ...{ apiVersion: "v1", kind: "Secret", type: "kubernetes.io/tls" },
      metadata: { name: nameOf(host), namespace: "default" },
      stringData: { "tls.crt": chain, "tls.key": key },
    })),
  );
}

async function write(name: string, objects: readonly object[]): Promise<void> {
  const half = path.join(folder, `${name}.half`);
  await writeFile(half, objects.map((each) => JSON.stringify(each)).join("\n---\n"));
  await rename(half, path.join(folder, "config", `${name}.yaml`));
}

/** The serial number of the certificate that a host presents. */
const presented = (host: string) => presentedSerial(EDGE, 15_000, { port: PORT, servername: host });

/** Goes through all hosts, over and over. */
function startTraffic() {
  const failures: string[] = [];
  let [sent, due] = [0, performance.now()];
  let going = true;
  const open = new Set<Promise<void>>();
  const ask = (host: string, connection: Agent, last: boolean) =>
    new Promise<void>((resolve) => {
      const options = {
        ...{ host: EDGE, port: PORT, servername: host, agent: connection },
        ...{
          ca: authority.certificate,
          headers: { host, ...(last ? { connection: "close" } : {}) },
        },
      };
      const failed = (error: Error) => {
        failures.push(`${host}: ${error.message}`);
        resolve();
      };
      const asking = request(options, (response) => {
        if (response.statusCode !== 200) failures.push(`${host}: ${response.statusCode}`);
        response.resume().once("end", resolve).once("error", failed);
      });
      asking.once("error", failed).end();
    });
  const visit = async (host: string) => {
    const connection = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let nth = 1; nth <= PER_CONNECTION; nth++) {
      sent++;
      await ask(host, connection, nth === PER_CONNECTION);
    }
    connection.destroy();
  };
  const running = (async () => {
    for (let index = 0; going; index++) {
      due += (1000 * PER_CONNECTION) / RATE;
      const one = visit(hosts[index % HOSTS]!).finally(() => open.delete(one));
      open.add(one);
      await sleep(Math.max(0, due - performance.now()));
    }
    await Promise.all(open);
  })();
  return {
    failures,
    async stop() {
      going = false;
      await running;
      return sent;
    },
  };
}

test(`${HOSTS} key pairs of one Envoy are replaced under ${RATE} requests a second, and none fails`, async () => {
  const traffic = startTraffic();
  await sleep(3_000);
  for (let round = 0; round < 2; round++) {
    const leaves = await pairs();
    const serials = new Map(
      [...leaves].map(([host, { chain }]) => [
        host,
        plainSerial(new X509Certificate(chain).serialNumber),
      ]),
    );
    const began = performance.now();
    await writeSecrets(leaves);
    const old = new Set(hosts);
    while (old.size > 0) {
      for (const host of old) if ((await presented(host)) === serials.get(host)) old.delete(host);
      if (performance.now() - began > WITHIN_MS) throw new Error(`${old.size} hosts have the old`);
    }
    console.log(`all ${HOSTS} replaced after ${Math.round(performance.now() - began)} ms`);
  }
  const sent = await traffic.stop();
  console.log(`${sent} requests, ${traffic.failures.length} failed`);
  expect(traffic.failures).toEqual([]);
  expect(sent).toBeGreaterThan(RATE * 5);
});
