/** Keys that are fetched: from where a rule says, or where its issuer does, for as long as the rule gives them. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type JWTRule, objectKey } from "@heddle/model";
import type { SigningKeysState } from "@heddle/translate";
import { afterAll, describe, expect, vi } from "vitest";
import { createGuard, createIssuersKeys, parseAllowed } from "../../../agent/src/jwks/index.ts";
import { openStateDirectory } from "../../../agent/src/state/state-directory.ts";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { requestAuthentication, service } from "../../harness/objects.ts";
import { ask } from "../../harness/request.ts";
import { createIssuerKey, keySet, startKeyServer } from "../../harness/token-issuer.ts";
import { proves } from "../proves.ts";

const SERVER = "127.242.6.1";
const KEYS = "127.242.6.9";
const PORT = 9080;
const SLOW_MS = 600;

describe.skipIf(!envoyBinary)("keys that are fetched", async () => {
  const issuers = {
    named: "https://named.test",
    discovered: `http://${KEYS}:8080/issuer`,
    patient: "https://patient.test",
    hasty: "https://hasty.test",
    internal: "https://internal.test",
  };
  type Issuer = keyof typeof issuers;
  const key = Object.fromEntries(
    await Promise.all(
      Object.entries(issuers).map(
        async ([name, issuer]) => [name, await createIssuerKey(issuer, name)] as const,
      ),
    ),
  ) as Record<Issuer, Awaited<ReturnType<typeof createIssuerKey>>>;
  const all = keySet(...Object.values(key));
  const server = await startKeyServer(KEYS, 8080, {
    "/keys": all,
    "/issuer/.well-known/openid-configuration": { jwks_uri: `http://${KEYS}:8080/keys` },
    "/slow": (_, response) => {
      setTimeout(() => response.end(JSON.stringify(all)), SLOW_MS);
    },
    "/slow?hasty": (_, response) => {
      setTimeout(() => response.end(JSON.stringify(all)), SLOW_MS);
    },
  });
  const rules: Record<Issuer, JWTRule> = {
    named: { issuer: issuers.named, jwksUri: `${server.base}/keys` },
    discovered: { issuer: issuers.discovered },
    patient: { issuer: issuers.patient, jwksUri: `${server.base}/slow`, timeout: "5s" },
    hasty: { issuer: issuers.hasty, jwksUri: `${server.base}/slow?hasty`, timeout: "100ms" },
    internal: { issuer: issuers.internal, jwksUri: "http://127.0.0.1:8080/keys" },
  };
  const policy = requestAuthentication("tokens", { jwtRules: Object.values(rules) });
  const folder = await mkdtemp(join(tmpdir(), "heddle-keys-"));
  const directory = await openStateDirectory(folder);
  afterAll(async () => {
    await server.stop();
    await directory.close();
    await rm(folder, { recursive: true, force: true });
  });

  const findings: string[] = [];
  /** What an agent has once it has tried. */
  async function signingKeys(): Promise<ReadonlyMap<string, SigningKeysState | undefined>> {
    const states = new Map<string, SigningKeysState | undefined>();
    const agent = createIssuersKeys({
      ...{ directory, objects: () => [policy], changed() {} },
      set: (source, state) => states.set(source, state),
      guard: createGuard({ allowed: parseAllowed([KEYS]), isService: () => false }),
      log: { info() {}, warn() {}, error() {} },
    });
    agent.objectsChanged([objectKey(policy)]);
    await vi.waitFor(() => expect(states.size).toBe(5), { timeout: 8_000 });
    for (const { code, path } of agent.diagnostics()) findings.push(`${code} ${path}`);
    await agent.close();
    return states;
  }

  startedMesh({
    fetched: async () => ({ signingKeys: await signingKeys() }),
    workloads: { server: { address: SERVER, ports: [PORT] } },
    objects: [...service("server", [{ name: "http", port: PORT }], [SERVER]), policy],
  });
  const answer = async (issuer: Issuer) => {
    const headers = { authorization: `Bearer ${await key[issuer].sign()}` };
    const { status, body } = await ask(SERVER, PORT, "server", "/", { headers });
    return status === 200 ? status : `${status} ${body}`;
  };
  const WITHOUT = "401 Jwks doesn't have any valid public key";

  proves(
    "RequestAuthentication",
    ["jwtRules[].jwksUri"],
    "tokens are checked with the keys that the URL has, or that of the issuer; those of issuers whose keys cannot be had are refused, and the rule is named",
    async () => {
      expect(await answer("named")).toBe(200);
      expect(await answer("discovered")).toBe(200);
      expect(await answer("internal")).toBe(WITHOUT);
      expect(findings).toContain("HDL7292 spec.jwtRules[4].jwksUri");
    },
  );

  proves(
    "RequestAuthentication",
    ["jwtRules[].timeout"],
    "keys are waited for as long as the rule says",
    async () => {
      expect(await answer("patient")).toBe(200);
      expect(await answer("hasty")).toBe(WITHOUT);
      expect(findings).toContain("HDL7290 spec.jwtRules[3].jwksUri");
    },
  );
});
