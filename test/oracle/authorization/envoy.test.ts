/** The evaluator of Envoy's access control, held against a real Envoy with random policies of ours, requests and connections. */
import type { AuthorizationPolicy, MeshObject } from "@heddle/model";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { authorizationFilters } from "../../../packages/translate/src/authorization/filters.ts";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { judge } from "./evaluate.ts";
import { type Ground, policies } from "./policies.ts";
import { type Certificate, type Question } from "./question.ts";
import { one, poolsOf, question, type Random, randomFrom } from "./questions.ts";
import { type RealEnvoy, startRealEnvoy } from "./real-envoy.ts";

const ADDRESSES = ["127.221.0.1", "127.221.1.1"];
const PORTS = [8000, 8001];
const FIRST_PORT = 9000;
const CLIENTS = ["127.221.2.1", "127.221.2.9", "127.221.3.1"];
const IDENTITIES = [
  "spiffe://cluster.local/ns/shop/sa/web",
  "spiffe://old.test/ns/far/sa/x",
  "spiffe://cluster.local/ns/far/sa/web",
  "spiffe://elsewhere.test/ns/shop/sa/web-2",
  "spiffe://old.test/ns/shop/team/a/sa/web/y",
  "client.test",
];
const SEED = 20_261_130;
const HTTP_CASES = 60;
const TCP_CASES = 24;
const REQUESTS = 25;

const HTTP: Ground = {
  sources: ["127.221.2.0/29", "127.221.2.9", "127.221.3.0/24"],
  destinations: ["127.221.0.0/24", "127.221.1.1"],
  ports: PORTS.map(String),
};
const TCP: Ground = {
  ...HTTP,
  ports: Array.from({ length: TCP_CASES }, (_, index) => String(FIRST_PORT + index)),
};
const TRUST_DOMAINS = { trustDomain: "cluster.local", trustDomainAliases: ["old.test"] };

describe.skipIf(!envoyBinary)("the evaluator of access control", () => {
  const groups = (count: number, ground: Ground, random: Random) =>
    Array.from({ length: count }, () => policies(ground, random));
  const http = groups(HTTP_CASES, HTTP, randomFrom(SEED));
  const tcp = groups(TCP_CASES, TCP, randomFrom(SEED + 1));
  const filtersOf = (all: readonly MeshObject<AuthorizationPolicy>[]) =>
    authorizationFilters({
      policies: all,
      trustDomains: TRUST_DOMAINS,
      provider: () => undefined,
    });
  const ofRequests = http.map((all) => filtersOf(all).http.judged);
  const ofConnections = tcp.map((all) => filtersOf(all).tcp.judged);
  let envoy: RealEnvoy;

  beforeAll(async () => {
    envoy = await startRealEnvoy({
      ...{ identities: IDENTITIES, addresses: ADDRESSES, ports: PORTS, firstPort: FIRST_PORT },
      ...{ http: ofRequests, tcp: ofConnections },
    });
  });
  afterAll(() => envoy.stop());

  test(`judges ${HTTP_CASES * REQUESTS} requests as Envoy does`, async () => {
    const seen = { allowed: 0, denied: 0, marked: 0, tried: 0 };
    const random = randomFrom(SEED + 2);
    for (const [index, filters] of ofRequests.entries()) {
      for (let i = 0; i < REQUESTS; i++) {
        const asked = realRequest(http[index]!, random);
        const found = await envoy.request(index, asked);
        const expected = judge(filters, asked);
        // An answer to what a filter denies is made before the filter leaves anything: logs have it, the answer has not.
        const left = expected.allowed ? expected.left : {};
        expect({ found, asked, index }).toEqual({ found: { ...expected, left }, asked, index });
        seen[expected.allowed ? "allowed" : "denied"]++;
        if (expected.left["access_log_hint"] === "true") seen.marked++;
        if (Object.values(expected.left).includes("denied")) seen.tried++;
      }
    }
    console.log(`requests: ${JSON.stringify(seen)}`);
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(REQUESTS);
  }, 120_000);

  test(`judges ${TCP_CASES * REQUESTS} connections as Envoy does`, async () => {
    const seen = { allowed: 0, denied: 0 };
    const random = randomFrom(SEED + 3);
    for (const [index, filters] of ofConnections.entries()) {
      for (let i = 0; i < REQUESTS; i++) {
        const asked = realConnection(tcp[index]!, FIRST_PORT + index, random);
        const expected = judge(filters, asked);
        const found = await envoy.connection(index, asked);
        expect({ found, asked, index }).toEqual({ found: expected.allowed, asked, index });
        seen[expected.allowed ? "allowed" : "denied"]++;
      }
    }
    console.log(`connections: ${JSON.stringify(seen)}`);
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(REQUESTS);
  }, 120_000);
});

/** With what a client of this Envoy can have: its addresses, ports and certificates, and what HTTP lets pass. */
function realRequest(all: readonly MeshObject<AuthorizationPolicy>[], random: Random): Question {
  for (;;) {
    const found = real(all, random);
    const { ":method": method = "", ":path": path = "", ":authority": host = "" } = found.headers;
    const askable =
      /^(?:GET|POST|PUT|DELETE|PATCH)$/.test(method) &&
      /^\/[\w./?=-]*$/.test(path) &&
      /^[\w.-]+(?::\d+)?$/.test(host);
    if (!askable || /[^\w.:/-]/.test(found.serverName)) continue;
    return {
      ...found,
      localAddress: ADDRESSES.includes(found.localAddress)
        ? found.localAddress
        : one(ADDRESSES, random),
      localPort: PORTS.includes(found.localPort) ? found.localPort : one(PORTS, random),
    };
  }
}

function realConnection(
  all: readonly MeshObject<AuthorizationPolicy>[],
  localPort: number,
  random: Random,
): Question {
  const found = real(all, random);
  return {
    ...found,
    ...{ headers: {}, metadata: {}, localPort, localAddress: ADDRESSES[0]! },
    remoteAddress: found.directRemoteAddress,
  };
}

function real(all: readonly MeshObject<AuthorizationPolicy>[], random: Random): Question {
  const pools = poolsOf(
    all.map(({ spec }) => spec),
    { trustDomains: ["cluster.local", "old.test"], namespace: "shop" },
  );
  const found = question(pools, random);
  const { certificate, directRemoteAddress, remoteAddress, serverName } = found;
  const direct = CLIENTS.includes(directRemoteAddress) ? directRemoteAddress : one(CLIENTS, random);
  return {
    ...found,
    certificate: certificate && certificateOf(one(IDENTITIES, random)),
    directRemoteAddress: direct,
    remoteAddress: remoteAddress === "127.0.0.1" ? direct : remoteAddress,
    // Without TLS nobody names a server; a name is one that a client may ask for.
    serverName: certificate && /^[a-z.-]+$/.test(serverName) ? serverName : "",
  };
}

function certificateOf(identity: string): Certificate {
  return identity.includes("://")
    ? { uris: [identity], names: [], subject: "" }
    : { uris: [], names: [identity], subject: "" };
}
