/** What a proxy itself is asked for: a real Envoy, by way of a real agent that knows where it is. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseAgentOptions, startAgent } from "@heddle/agent";
import { expect, it } from "vitest";
import { freePorts } from "../../../../agent/src/testing/free-ports.ts";
import { startPod } from "../../../../agent/src/testing/envoy-pod.ts";
import { heddle as run } from "../../../../test/harness/demo-process.ts";
import { levelQuery } from "./proxy-admin.ts";

const envoyBinary = process.env["HEDDLE_ENVOY"];

it.skipIf(!envoyBinary)(
  "reads a proxy's bootstrap and sets its log levels where its admin is in reach, and says where that would be otherwise",
  async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "heddle-admin-"));
    const [xds = 0, metrics = 0] = await freePorts(2);
    const pod = await startPod(
      {
        ...{ name: "web-0", app: "web", port: 9080 },
        ...{ address: "127.67.0.1", appAddress: "127.68.0.1" },
      },
      envoyBinary as string,
    );
    await mkdir(path.join(folder, "config"));
    await writeFile(path.join(folder, "config/pod.json"), JSON.stringify(pod.document));
    const agent = await startAgent(
      parseAgentOptions({
        ...{ standalone: true, config: path.join(folder, "config") },
        ...{ state: path.join(folder, "state"), roles: "control" },
        ...{ xds: `127.0.0.1:${xds}`, metrics: `127.0.0.1:${metrics}` },
      }),
      { info() {}, warn() {}, error: (message) => console.error(message) },
    );
    const heddle = (...args: string[]) =>
      run(["proxy-config", ...args, "--agent", `http://127.0.0.1:${metrics}`], {
        HEDDLE_CONFIG: path.join(folder, "none.json"),
      });
    try {
      await pod.startEnvoy(xds);
      const config = await heddle("listener", "web-0.default", "-o", "json");
      expect(JSON.parse(config.stdout)).not.toEqual([]);

      const bootstrap = await heddle("bootstrap", "web-0.default", "-o", "json");
      expect(JSON.parse(bootstrap.stdout)).toMatchObject({
        node: { id: "sidecar~127.67.0.1~web-0.default~default.svc.cluster.local" },
      });

      const before = JSON.parse((await heddle("log", "web-0.default", "-o", "json")).stdout);
      expect(before).toMatchObject({ router: "error", http: "error" });
      const set = await heddle("log", "web-0.default", "--level", "router:critical,http:off");
      expect(set.stdout).toMatch(/^router +critical$/m);
      const after = JSON.parse((await heddle("log", "web-0.default", "-o", "json")).stdout);
      expect(after).toEqual({ ...before, router: "critical", http: "off" });
      await heddle("log", "web-0.default", "--level", "critical");
      const all = JSON.parse((await heddle("log", "web-0.default", "-o", "json")).stdout);
      expect(new Set(Object.values(all))).toEqual(new Set(["critical"]));

      const unknown = await heddle("log", "web-0.default", "--level", "ruoter:info");
      expect(unknown).toMatchObject({ code: 1 });
      expect(unknown.stderr).toContain("HDL9028");
      const nobody = await heddle("bootstrap", "web-1.default");
      expect(nobody.stderr).toMatch(/HDL9047[^]*Connected: web-0\.default/);
      const elsewhere = await heddle("log", "web-0.default", "--admin", "http://127.67.0.9:15000");
      expect(elsewhere).toMatchObject({ code: 1 });
      expect(elsewhere.stderr).toMatch(/HDL9027[^]*kubectl port-forward/);
    } finally {
      await agent.close();
      await pod.close();
      await rm(folder, { recursive: true, force: true });
    }
  },
  // Nine commands, each a process of its own.
  90_000,
);

it("asks Envoy for a level of all loggers or of some, and refuses what is no level", () => {
  expect(levelQuery("debug")).toBe("?level=debug");
  expect(levelQuery("http:debug, router:trace")).toBe("?paths=http:debug,router:trace");
  for (const wrong of ["loud", "http:loud", "http:debug,info", "a:b:info", ":info", ""])
    expect(() => levelQuery(wrong), wrong).toThrow(/names no level/);
});
