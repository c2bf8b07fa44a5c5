/** `heddle inject` and `heddle manifest gateway` as a user runs them. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { parseAllDocuments } from "yaml";
import { heddle as run } from "../../../../test/harness/demo-process.ts";

// Each command is a process of its own, which takes its time on a machine with other work.
vi.setConfig({ testTimeout: 120_000 });

const heddle = (...args: string[]) => run(args);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "heddle-inject-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function file(name: string, content: string): Promise<string> {
  const place = path.join(folder, name);
  await writeFile(place, content);
  return place;
}

const DEPLOYMENT = `# mine
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: "web:1"}]}}}
`;
const SERVICE = `apiVersion: v1
kind:   Service
metadata: {name: web}
`;

describe("heddle inject", () => {
  it("prints the files with proxies, and leaves what makes no pods as it is written", async () => {
    const mesh = await file("mesh.yaml", "defaultConfig: {image: {imageType: distroless}}\n");
    const input = await file("web.yaml", `${DEPLOYMENT}---\n${SERVICE}`);
    const { code, stdout, stderr } = await heddle(
      ...["inject", "-f", input, "--mesh-config", mesh, "--kubernetes-version", "1.28.3"],
    );
    expect([code, stderr]).toEqual([
      0,
      expect.stringMatching(/^Warning \[HDL6006\][^]*Warning \[HDL6006\]/),
    ]);
    expect(stdout).toMatch(/^# mine\n/);
    expect(stdout.endsWith(`---\n${SERVICE}`)).toBe(true);
    const [deployment] = parseAllDocuments(stdout).map(
      (each) =>
        each.toJS() as { spec: { template: { spec: { containers: { image: string }[] } } } },
    );
    expect(deployment?.spec.template.spec.containers.map(({ image }) => image)).toEqual([
      "envoyproxy/envoy:distroless-v1.40.0",
      "web:1",
    ]);
  });

  it("prints one JSON document with -o json", async () => {
    const input = await file("list.yaml", DEPLOYMENT);
    const { code, stdout } = await heddle(
      "inject",
      "-f",
      input,
      "-o",
      "json",
      "--agent",
      "a.b.svc",
    );
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ kind: "List", items: [{ kind: "Deployment" }] });
    expect(stdout).toContain("a.b.svc.cluster.local");
  });

  it("prints nothing where a pod asks for what cannot be, and says which and why", async () => {
    const input = await file(
      "wrong.yaml",
      DEPLOYMENT.replace("{labels:", "{annotations: {sidecar.istio.io/proxyCPU: much}, labels:"),
    );
    const { code, stdout, stderr } = await heddle("inject", "-f", input);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/HDL6003[^]*Deployment default\/web[^]*wrong\.yaml:2[^]*HDL9060/);
    const broken = await heddle("inject", "-f", await file("broken.yaml", "a: [\n"));
    expect([broken.code, broken.stderr]).toEqual([1, expect.stringMatching(/HDL0002[^]*HDL9060/)]);
    const version = await heddle("inject", "-f", input, "--kubernetes-version", "new");
    expect([version.code, version.stderr]).toEqual([2, expect.stringContaining("such as 1.34")]);
  });
});

describe("heddle manifest gateway", () => {
  const GATEWAY = `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: shop}
spec: {gatewayClassName: heddle, listeners: [{name: http, port: 80, protocol: HTTP}]}
`;

  it("prints what serves a Gateway", async () => {
    const input = await file("gateway.yaml", GATEWAY);
    const { code, stdout, stderr } = await heddle("manifest", "gateway", "edge", "-f", input);
    expect([code, stderr]).toEqual([0, ""]);
    const made = parseAllDocuments(stdout).map(
      (each) => each.toJS() as { kind: string; metadata: { name: string; namespace: string } },
    );
    expect(
      made.map(({ kind, metadata }) => `${kind} ${metadata.namespace}/${metadata.name}`),
    ).toEqual([
      "ServiceAccount shop/edge-heddle",
      "Deployment shop/edge-heddle",
      "Service shop/edge-heddle",
    ]);
  });

  it("says which Gateway is missing, and which cannot be deployed", async () => {
    const input = await file("gateway.yaml", GATEWAY);
    const missing = await heddle("manifest", "gateway", "other", "-f", input);
    expect([missing.code, missing.stdout]).toEqual([2, ""]);
    expect(missing.stderr).toMatch(/HDL9062[^]*other[^]*There are: edge/);
    const refused = await heddle(
      ...["manifest", "gateway", "-f"],
      await file(
        "parts.yaml",
        GATEWAY.replace(
          "spec: {",
          'spec: {infrastructure: {parametersRef: {group: "", kind: ConfigMap, name: parts}}, ',
        ),
      ),
    );
    expect([refused.code, refused.stdout]).toEqual([1, ""]);
    expect(refused.stderr).toMatch(/HDL6011[^]*there is no ConfigMap shop\/parts[^]*HDL9061/);
  });

  it("is completed in the shell", async () => {
    const { stdout } = await heddle("completion", "bash");
    expect(stdout).toMatch(/"manifest"\).*first="[^"]*\bgateway\b/);
    expect(stdout).toMatch(/"inject"\).*--kubernetes-version/);
  });
});
