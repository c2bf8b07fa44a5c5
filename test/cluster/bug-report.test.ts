/** `heddle bug-report` on a real API server: what is in the archive, and that no secret is, wherever it was planted. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { agentRights } from "@heddle/agent/rights";
import { INSTALL_NAMESPACE, installationObjects, valuesOf } from "@heddle/kube";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ROOT } from "../harness/demo-process.ts";
import { type ApiServerAlone, startApiServerAlone } from "./harness/api-server-alone.ts";

const run = promisify(execFile);
const LONG = 120_000;
/** Each is planted once, and must be nowhere. */
const PLANTED = {
  secret: "planted-secret-value-1",
  variable: "planted-variable-value-2",
  oddVariable: "planted-odd-value-3",
  configMap: "planted-configmap-value-4",
  argument: "planted-argument-value-5",
  annotation: "planted-annotation-value-6",
  field: "planted-field-value-7",
  url: "planted-url-value-8",
};
const KEY = "-----BEGIN PRIVATE KEY-----\nplanted-key-value-9\n-----END PRIVATE KEY-----\n";

let folder: string;
let api: ApiServerAlone;

const report = async (name: string, ...args: readonly string[]) => {
  const output = path.join(folder, name);
  await mkdir(output);
  const main = path.join(ROOT, "apps/cli/src/main.ts");
  const to = ["bug-report", "--kubeconfig", api.kubeconfig, "--output-dir", output];
  const { stdout, stderr } = await run(process.execPath, [main, ...to, ...args]);
  const [archive = ""] = await readdir(output);
  await run("tar", ["-xzf", path.join(output, archive), "-C", output]);
  const root = path.join(output, archive.replace(".tar.gz", ""));
  const read = (file: string) => readFile(path.join(root, file), "utf8");
  const files = await readdir(root, { recursive: true });
  return { stdout, stderr, files, read, root };
};

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "heddle-bug-report-"));
  api = await startApiServerAlone(path.join(folder, "api"));
  const installation = { values: valuesOf({}), namespace: INSTALL_NAMESPACE };
  const { definitions, namespace, agent } = installationObjects(installation, agentRights());
  await api.kubectl.apply(...definitions, namespace);
  await api.kubectl.apply(...agent);
  await api.kubectl("create", "namespace", "shop");
  for (const of of ["shop", INSTALL_NAMESPACE, "default"])
    await api.kubectl("create", "serviceaccount", "default", `--namespace=${of}`);
  const token = await api.kubectl("create", "token", "default", "--namespace=shop");
  const metadata = (name: string, namespace: string, annotations = {}) => ({
    name,
    namespace,
    annotations,
  });
  const container = {
    name: "app",
    image: "example/app:v1",
    args: [
      `--db-password=${PLANTED.argument}`,
      `--db=postgres://app:${PLANTED.url}@db/app`,
      token.trim(),
    ],
    env: [
      { name: "API_KEY", value: PLANTED.variable },
      { name: "COLOUR", value: PLANTED.oddVariable },
    ],
  };
  const pod = (name: string, of: string, labels = {}, containers: object[] = [container]) => ({
    ...{ apiVersion: "v1", kind: "Pod" },
    metadata: { ...metadata(name, of), labels },
    // Of a machine that nobody knows: what is asked of its kubelet fails.
    spec: { nodeName: "gone", containers },
  });
  await api.kubectl.apply(
    {
      ...{ apiVersion: "v1", kind: "Secret", metadata: metadata("db", "shop") },
      stringData: { password: PLANTED.secret, "tls.key": KEY },
    },
    {
      ...{ apiVersion: "v1", kind: "ConfigMap", metadata: metadata("app", "shop") },
      data: { "app.ini": `anything = ${PLANTED.configMap}` },
    },
    pod("app-1", "shop"),
    pod("web-1", "shop", {}, [
      container,
      { name: "istio-proxy", image: "envoyproxy/envoy:v1.40.0" },
    ]),
    pod("heddle-agent-1", INSTALL_NAMESPACE, { "app.kubernetes.io/name": "heddle-agent" }, [
      { name: "agent", image: "heddle/agent:v0.1.0" },
    ]),
    {
      ...{ apiVersion: "networking.istio.io/v1", kind: "VirtualService" },
      metadata: metadata("web", "shop", { note: `token: ${PLANTED.annotation}` }),
      spec: {
        hosts: ["web"],
        http: [
          {
            headers: { request: { set: { authorization: `Bearer ${PLANTED.field}` } } },
            route: [{ destination: { host: "nowhere" } }],
          },
        ],
      },
    },
  );
  for (const [name, of] of [
    ["web-1", "shop"],
    ["heddle-agent-1", INSTALL_NAMESPACE],
  ] as const)
    await api.kubectl(
      ...["patch", "pod", name, `--namespace=${of}`, "--subresource=status", "--type=merge"],
      ...["-p", JSON.stringify({ status: { phase: "Running" } })],
    );
}, 240_000);
afterAll(async () => {
  await api?.down();
  await rm(folder, { recursive: true, force: true });
});

test(
  "has what a mesh is made of, and no secret",
  async () => {
    const { read, files, root, stdout, stderr } = await report("all");
    expect(stdout).toMatch(/^wrote \d+ files to /);
    expect(stderr).toContain("objects");
    const versions = JSON.parse(await read("versions.json")) as {
      kubernetes: object;
      agents: object;
    };
    expect(versions).toMatchObject({
      kubernetes: { major: "1" },
      agents: [{ name: "heddle-agent" }],
    });
    expect(await read("install/values.yaml")).toContain("profile: default");
    expect(await read("objects/virtualservices.networking.istio.io.yaml")).toContain(
      "host: nowhere",
    );
    expect(await read("objects/pods.yaml")).toContain("web-1");
    // Which keys there are is told.
    expect(await read("objects/secrets.yaml")).toContain('tls.key: "[redacted]"');
    expect(await read("objects/configmaps.yaml")).toContain('app.ini: "[redacted]"');
    expect(await read("analysis.json")).toContain("IST0101");
    expect(files).toContain("README.txt");
    const all = await Promise.all(
      (await readdir(root, { recursive: true, withFileTypes: true }))
        .filter((entry) => entry.isFile())
        .map((entry) => readFile(path.join(entry.parentPath, entry.name), "utf8")),
    );
    const text = all.join("\n");
    for (const planted of [...Object.values(PLANTED), "planted-key-value-9"]) {
      expect(text, planted).not.toContain(planted);
      expect(text).not.toContain(Buffer.from(planted).toString("base64").slice(0, 20));
    }
    expect(text).not.toMatch(/eyJ[\w-]{20,}\./);
  },
  LONG,
);

test(
  "says what could not be had, and is whole all the same",
  async () => {
    // There are no kubelets here: neither logs nor proxies can be had.
    const { read, stderr } = await report("without-kubelets");
    const { failed } = JSON.parse(await read("report.json")) as {
      failed: { what: string; why: string }[];
    };
    const what = failed.map((each) => each.what);
    expect(what).toContain("agents/heddle-agent-1/agent.log");
    expect(what).toContain("agents/heddle-agent-1/debug-proxies.json");
    expect(what).toContain("proxies/shop/web-1/istio-proxy.log");
    expect(what).toContain("proxies/shop/web-1/config_dump.json");
    for (const { why } of failed) expect(why).not.toBe("");
    expect(stderr).toContain("without agents/heddle-agent-1/agent.log: ");
  },
  LONG,
);

test(
  "is of the namespaces and the size that were asked for",
  async () => {
    const { read } = await report("chosen", "--include", "heddle-*", "--max-size", "20Ki");
    expect(await read("objects/pods.yaml")).not.toContain("web-1");
    const { leftOut, asked } = JSON.parse(await read("report.json")) as {
      leftOut: string[];
      asked: { include: string[] };
    };
    expect(asked.include).toEqual(["heddle-*"]);
    expect(leftOut.length).toBeGreaterThan(0);
    await expect(report("refused", "--max-size", "20")).rejects.toThrow(/50Mi/);
  },
  LONG,
);
