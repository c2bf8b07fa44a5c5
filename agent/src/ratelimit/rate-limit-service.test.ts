/** Two agents' services over gRPC: what one does while the other, whose key it is, is late or away, and when it is back. */
import {
  Client,
  credentials,
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { decode, encode } from "@heddle/envoy";
import type { RateLimitResponse } from "@heddle/envoy/service/ratelimit/v3";
import { afterEach, expect, test } from "vitest";
import { ownerOf } from "./owner.ts";
import { createRateLimitService, type RateLimitService } from "./rate-limit-service.ts";

/** Under this name the agent asked knows itself; nobody connects to it. */
const SELF = "127.0.0.1:1";
const QUOTA = 10;

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0).toReversed()) stop();
});

async function serve(
  service: Pick<RateLimitService, "definition" | "implementation">,
  port = 0,
): Promise<{ readonly address: string; readonly port: number; kill(): void }> {
  const server = new Server();
  server.addService(service.definition, service.implementation);
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, at) =>
      error ? reject(error) : resolve(at),
    );
  });
  const kill = () => server.forceShutdown();
  stops.push(kill);
  return { address: `127.0.0.1:${bound}`, port: bound, kill };
}

function counting(all: readonly string[] | undefined, away: string[] = []): RateLimitService {
  const service = createRateLimitService({
    agents: all && { all, self: SELF },
    now: () => performance.now(),
    onAway: (agent) => away.push(agent),
  });
  stops.push(() => service.close());
  return service;
}

/** Another agent that counts, later than it would by so many milliseconds. */
function late(by: { ms: number }): Pick<RateLimitService, "definition" | "implementation"> {
  const { definition, implementation } = counting(undefined);
  const handle = implementation["ShouldRateLimit"] as handleUnaryCall<Buffer, Buffer>;
  const delayed: UntypedServiceImplementation = {
    ShouldRateLimit: ((call, reply) => {
      setTimeout(() => handle(call, reply), by.ms).unref();
    }) satisfies handleUnaryCall<Buffer, Buffer>,
  };
  return { definition, implementation: delayed };
}

/** An agent beside the other one, and how it answers a proxy that asks for a key which is the other's. */
async function beside(other: string) {
  const away: string[] = [];
  const service = counting([SELF, other], away);
  const { address } = await serve(service);
  const client = new Client(address, credentials.createInsecure());
  stops.push(() => client.close());
  const bytes = Buffer.from(
    encode("envoy.service.ratelimit.v3.RateLimitRequest", {
      domain: "heddle",
      descriptors: [{ entries: entriesOf(other) }],
    }),
  );
  const asks = () =>
    new Promise<string | undefined>((resolve, reject) => {
      client.makeUnaryRequest(
        service.definition["ShouldRateLimit"]!.path,
        (request: Buffer) => request,
        (answer) =>
          decode("envoy.service.ratelimit.v3.RateLimitResponse", answer) as RateLimitResponse,
        bytes,
        (error, answer) => (answer ? resolve(answer.overallCode) : reject(error!)),
      );
    });
  return { service, away, asks };
}

/** Of a key that is counted by that agent. */
function entriesOf(owner: string) {
  for (let i = 0; ; i++) {
    const entries = [
      { key: "quota", value: `${QUOTA}/600` },
      { key: "limit", value: `default/few/${i}` },
    ];
    const key = JSON.stringify(["heddle", ...entries.map((entry) => [entry.key, entry.value])]);
    if (ownerOf(key, [SELF, owner]) === owner) return entries;
  }
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test("an agent that is late once stays the one that counts", async () => {
  const by = { ms: 0 };
  const other = await serve(late(by));
  const { service, away, asks } = await beside(other.address);
  for (let i = 0; i < 5; i++) expect(await asks()).toBe("OK");
  by.ms = 300;
  expect(await asks()).toBe("OK");
  by.ms = 0;
  // The late one is counted there too, when it comes to it.
  await sleep(250);
  let passed = 6;
  for (let i = 0; i < QUOTA; i++) if ((await asks()) === "OK") passed++;
  expect(passed).toBe(QUOTA);
  expect(away).toEqual([]);
  expect(service.numbers().stoodIn).toBeGreaterThan(0);
});

test("an agent that says nothing for a second is left out, and nobody waits for it", async () => {
  const by = { ms: 0 };
  const other = await serve(late(by));
  const { away, asks } = await beside(other.address);
  expect(await asks()).toBe("OK");
  by.ms = 60_000;
  const begin = performance.now();
  while (away.length === 0 && performance.now() - begin < 5_000) await asks();
  expect(performance.now() - begin).toBeGreaterThan(800);
  expect(away).toEqual([other.address]);
  const left = performance.now();
  for (let i = 0; i < 20; i++) await asks();
  expect(performance.now() - left).toBeLessThan(1_000);
});

test("for an agent that is away another goes on from its last answer, until it is back", async () => {
  const other = await serve(counting(undefined));
  const { service, away, asks } = await beside(other.address);
  for (let i = 0; i < 6; i++) expect(await asks()).toBe("OK");
  other.kill();
  let passed = 6;
  for (let i = 0; i < QUOTA; i++) if ((await asks()) === "OK") passed++;
  expect(passed).toBe(QUOTA);
  expect(away[0]).toBe(other.address);
  expect(service.numbers().stoodIn).toBeGreaterThan(0);

  await serve(counting(undefined), other.port);
  const back = performance.now();
  while ((await asks()) !== "OK" && performance.now() - back < 5_000) await sleep(20);
  expect(performance.now() - back).toBeLessThan(2_500);
});
