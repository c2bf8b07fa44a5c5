import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encode } from "@heddle/envoy";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createAuthority } from "../../../test/harness/certificates.ts";
import {
  envoyBinary,
  type RunningEnvoy,
  startEnvoy,
  validate,
} from "../../../test/harness/envoy-process.ts";
import { bootstrap, type BootstrapOptions } from "./bootstrap.ts";
import { XDS_FILES, xdsSecretFiles } from "./xds-security.ts";

const ADDRESS = "127.75.0.1";

const OPTIONS: BootstrapOptions = {
  node: {
    id: `sidecar~${ADDRESS}~a.default~default.svc.cluster.local`,
    cluster: "a.default",
    metadata: { NAMESPACE: "default", LABELS: { app: "a" }, INSTANCE_IPS: ADDRESS },
  },
  xds: { address: "127.75.0.2", port: 15010 },
  otlp: { address: "127.75.0.2", port: 4317 },
  admin: { address: ADDRESS, port: 15000 },
  prometheus: { address: ADDRESS, port: 15090 },
  health: { address: ADDRESS, port: 15021 },
};

describe("bootstrap", () => {
  test("has no field that Envoy's API does not know", () => {
    expect(() => encode("envoy.config.bootstrap.v3.Bootstrap", bootstrap(OPTIONS))).not.toThrow();
  });

  test("waits for clusters and listeners without end, over one delta stream", () => {
    const { adsConfig, cdsConfig, ldsConfig } = bootstrap(OPTIONS).dynamicResources ?? {};
    expect(adsConfig?.apiType).toBe("DELTA_GRPC");
    expect([cdsConfig?.initialFetchTimeout, ldsConfig?.initialFetchTimeout]).toEqual(["0s", "0s"]);
  });

  test("resolves an agent that is known by name", () => {
    const named = bootstrap({
      ...OPTIONS,
      xds: { address: "heddle-agent.heddle-system", port: 15010 },
    });
    const types = named.staticResources?.clusters?.map(({ name, type }) => [name, type]);
    expect(types).toEqual([
      ["heddle-xds", "STRICT_DNS"],
      ["heddle-otlp", "STATIC"],
      ["heddle-admin", "STATIC"],
      ["heddle-nowhere", "STATIC"],
    ]);
  });
});

describe.skipIf(!envoyBinary)("bootstrap, in Envoy", () => {
  let envoy: RunningEnvoy;

  beforeAll(async () => {
    // Without dynamic resources it is ready without an agent.
    const { dynamicResources: _, ...alone } = bootstrap(OPTIONS);
    envoy = await startEnvoy(alone);
  });
  afterAll(() => envoy.stop());

  test("validates", async () => {
    expect(await validate(bootstrap(OPTIONS))).toBe("");
  });

  test("validates where the agent is reached by TLS and a token out of files", async () => {
    const folder = await mkdtemp(join(tmpdir(), "heddle-identity-"));
    const security = { serverName: "heddle-agent.heddle-system.svc", folder };
    const secured = bootstrap({ ...OPTIONS, xds: { ...OPTIONS.xds, security } });
    expect(await validate(secured)).toMatch(/sds\.json/);
    for (const [name, content] of Object.entries(xdsSecretFiles(folder)))
      await writeFile(join(folder, name), content);
    await writeFile(join(folder, XDS_FILES.token), "t");
    await writeFile(join(folder, XDS_FILES.roots), (await createAuthority()).certificate);
    expect(await validate(secured)).toBe("");
    expect(() => encode("envoy.config.bootstrap.v3.Bootstrap", secured)).not.toThrow();
    await rm(folder, { recursive: true });
  });

  test("is not ready before the agent has answered", async () => {
    const admin = { address: "127.75.0.3", port: 15000 };
    const { prometheus: _, health, ...options } = OPTIONS;
    expect(health).toBeDefined();
    await expect(
      startEnvoy(
        bootstrap({ ...options, admin, health: { address: "127.75.0.3", port: 15021 } }),
        1000,
      ),
    ).rejects.toThrow(/did not become ready/);
  });

  test("answers readiness and statistics on their ports, and nothing else of the admin interface", async () => {
    const status = async (port: number, path: string) =>
      (await fetch(`http://${ADDRESS}:${port}${path}`)).status;
    expect(await status(15021, "/healthz/ready")).toBe(200);
    expect(await status(15090, "/stats/prometheus")).toBe(200);
    expect(await status(15090, "/metrics")).toBe(200);
    for (const path of [
      "/quitquitquit",
      "/config_dump",
      "/",
      "/stats/prometheus/../../quitquitquit",
    ]) {
      expect(await status(15090, path)).toBe(404);
      expect(await status(15021, path)).toBe(404);
    }
  });
});
