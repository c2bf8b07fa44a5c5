/** What a workload is known to call is there before its first request, and stays while no agent can be reached. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startApplication } from "../../harness/application.ts";
import { createAuthority, workloadSecrets } from "../../harness/certificates.ts";
import { envoyBinary, type RunningEnvoy, startEnvoy } from "../../harness/envoy-process.ts";
import { object, service } from "../../harness/objects.ts";
import { type OnDemandServer, serveOnDemand } from "../../harness/on-demand-server.ts";
import { ask } from "../../harness/request.ts";
import type { BootstrapOfOptions } from "../../harness/world.ts";

const [CLIENT, SERVER] = ["127.87.0.1", "127.87.0.2"];
const [PORT, PROXY_PORT] = [9080, 15001];
const HTTP = [{ name: "http", port: PORT }];
const objects = ["known", "used", "new", "late"].flatMap((name) => service(name, HTTP, [SERVER]));

describe.skipIf(!envoyBinary)("a sidecar that asks, and its agent", () => {
  const asked: string[] = [];
  const workingSets = {
    of: () => [`on-demand.http_proxy/known:${PORT}`],
    asked: (_: unknown, name: string) => void asked.push(name),
  };
  const ending: (() => Promise<unknown>)[] = [];
  let server: OnDemandServer;
  let envoy: RunningEnvoy;
  let described: BootstrapOfOptions;

  const get = async (host: string) =>
    (await ask(CLIENT, PROXY_PORT, `${host}:${PORT}`, "/")).status;
  const serve = async (port = 0) => {
    server = await serveOnDemand(objects, {}, {}, { port, workingSets });
    return server.bootstrap(described, (listener) => listener);
  };

  beforeAll(async () => {
    const authority = await createAuthority();
    const issued = await authority.issue("spiffe://cluster.local/ns/default/sa/client");
    described = {
      ...{ pod: "client", address: CLIENT, labels: { app: "client" }, httpProxyPort: PROXY_PORT },
      secrets: workloadSecrets(issued, authority.certificate),
    };
    const application = await startApplication("server", SERVER, PORT);
    ending.push(() => application.stop());
    envoy = await startEnvoy(await serve());
    ending.push(() => envoy.stop());
  });
  afterAll(async () => {
    for (const end of ending.toReversed()) await end();
    await server.stop();
  });

  test("has what its workload is known to call when it is ready", async () => {
    const clusters = await envoy.admin("/clusters");
    expect(clusters).toContain("outbound|9080||known.default.svc.cluster.local");
    expect(await get("known")).toBe(200);
    expect(asked).toEqual([]);
  });

  test("tells what else it asks for, but not of strangers", async () => {
    expect(await get("used")).toBe(200);
    expect(await get("nobody")).toBe(502);
    expect(asked).toEqual([`on-demand.http_proxy/used:${PORT}`]);
  });

  test("is given everything, and asks again, without a failed request", async () => {
    const settings = (onDemand: string) =>
      object("heddle.dev/v1", "MeshSettings", "mesh", { onDemand }, "");
    const routes = async () => await envoy.admin("/config_dump?resource=dynamic_route_configs");
    const failed: number[] = [];
    let asking = true;
    const load = (async () => {
      while (asking) {
        const status = await get("used");
        if (status !== 200) failed.push(status);
      }
    })();
    for (const mode of ["NEVER", "ALWAYS", "NEVER", "ALWAYS"]) {
      server.apply([settings(mode)]);
      const given = mode === "NEVER";
      await expect
        .poll(async () => (await routes()).includes('"known.default:9080"'), { timeout: 10_000 })
        .toBe(given);
      // Until what was before has been drained.
      await new Promise((resolve) => setTimeout(resolve, 2_000));
      expect(await get("new")).toBe(200);
    }
    asking = false;
    await load;
    expect(failed).toEqual([]);
  }, 60_000);

  test("goes on with what it has while the agent is away, and asks again when it is back", async () => {
    const { port } = server;
    await server.stop();
    expect([await get("known"), await get("used")]).toEqual([200, 200]);
    const waiting = get("late");
    expect(await waiting).toBe(504);
    await serve(port);
    await expect.poll(() => get("late"), { timeout: 15_000, interval: 500 }).toBe(200);
    expect([await get("known"), await get("used")]).toEqual([200, 200]);
  }, 60_000);
});
