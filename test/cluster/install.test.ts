/**
 * Heddle in a real cluster: installed by its command and by Helm, verified, changed to other values and back, and gone without a
 * trace; on the images that we publish.
 */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Cluster, startCluster } from "./harness/cluster.ts";
import { buildHelm } from "./harness/components.ts";
import { CAPTURE_IMAGE } from "./harness/image-names.ts";
import { importEnvoy } from "./harness/images.ts";
import { importAgent, importCapture, importPlane } from "./harness/own-images.ts";

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, "../..");
const CHART = path.join(root, "infra/helm/heddle-agent");
const IN = ["--namespace", "heddle-system"];
const WAIT = ["--timeout", "4m"];
/** What is to be as before when Heddle is gone. */
const LEFT_BEHIND = [
  ...["all", "customresourcedefinitions", "namespaces", "secrets", "configmaps", "leases"],
  "persistentvolumeclaims",
  ...["mutatingwebhookconfigurations", "validatingwebhookconfigurations"],
  ...["clusterroles", "clusterrolebindings", "roles", "rolebindings", "serviceaccounts"],
].join(",");

let folder: string;
let helm: string;
let cluster: Cluster;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "heddle-install-"));
  helm = await buildHelm((line) => console.log(line));
  cluster = await startCluster({
    state: path.join(folder, "state"),
    say: (line) => console.log(line),
  });
  await importAgent(cluster.state);
  await importCapture(cluster.state);
  await importEnvoy(cluster.state);
  await importPlane(cluster.state);
});
afterAll(async () => {
  await cluster?.down();
  await rm(folder, { recursive: true, force: true });
});

/** The command's exit code and what it said; a failure is no failure of the test. */
async function heddle(
  ...args: string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  const main = path.join(root, "apps/cli/src/main.ts");
  const env = { ...process.env, KUBECONFIG: cluster.kubeconfig, NO_COLOR: "1" };
  try {
    return { code: 0, ...(await run(process.execPath, [main, ...args], { env })) };
  } catch (error) {
    return error as { code: number; stdout: string; stderr: string };
  }
}
const byHelm = async (...args: string[]) =>
  (await run(helm, ["--kubeconfig", cluster.kubeconfig, ...IN, ...args])).stdout;
/** Without what every cluster makes and removes all the time. */
const everything = async () =>
  (await cluster.kubectl("get", LEFT_BEHIND, "--all-namespaces", "--output", "name"))
    .split("\n")
    .filter((name) => !name.startsWith("event"))
    .toSorted();
const replicas = () =>
  cluster.kubectl("get", "deployment", "heddle-agent", ...IN, "-o", "jsonpath={.spec.replicas}");
const budgets = () => cluster.kubectl("get", "poddisruptionbudgets", ...IN, "--output", "name");

describe("by its own command", () => {
  let before: string[];
  beforeAll(async () => void (before = await everything()));

  test("it asks first, and says what it would do", async () => {
    expect(await heddle("install")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("HDL9065") as unknown,
    });
    const planned = await heddle("install", "--dry-run");
    expect(planned.stdout).toMatch(/create +Deployment +heddle-system +heddle-agent/);
    expect(await everything()).toEqual(before);
  });

  test("the demo profile is installed, and is what manifest generate prints", async () => {
    const installed = await heddle("install", "--set", "profile=demo", "-y", ...WAIT);
    expect(installed).toMatchObject({ code: 0 });
    for (const name of ["heddle-plane", "heddle-agent"])
      expect(installed.stderr).toContain(`${name}: 1 of 1 ready`);
    for (const name of ["istio-ingressgateway", "istio-egressgateway"])
      expect(installed.stderr).toContain(`${name}: 1 of 1 ready`);
    expect(installed.stdout).toContain("get secret heddle-plane-keys");
    expect(await heddle("verify-install")).toMatchObject({ code: 0 });
    const generated = await heddle("manifest", "generate", "--set", "profile=demo");
    const count = generated.stdout.match(/^kind: /gm)?.length;
    const verified = await heddle("verify-install", "--set", "profile=demo");
    expect(verified.stdout).toContain(`all ${count} objects are as they should be`);
    const pods = await cluster.kubectl("get", "pods", ...IN, "-o", "json");
    const runs = { status: { containerStatuses: [{ ready: true, restartCount: 0 }] } };
    expect((JSON.parse(pods) as { items: unknown[] }).items).toMatchObject([
      runs,
      runs,
      runs,
      runs,
    ]);
  });

  test("what somebody changes is found, and put right by installing again", async () => {
    await cluster.kubectl("delete", "service", "heddle-agent", ...IN);
    const env = JSON.stringify({
      spec: { template: { spec: { terminationGracePeriodSeconds: 7 } } },
    });
    await cluster.kubectl("patch", "deployment", "heddle-agent", ...IN, "--patch", env);
    const found = await heddle("verify-install");
    expect(found.code).toBe(1);
    expect(found.stdout).toContain("✗ Service heddle-system/heddle-agent: is missing");
    expect(found.stdout).toContain("terminationGracePeriodSeconds is 7 and should be 30");
    expect(found.stderr).toContain("HDL9068");
    await heddle("install", "--set", "profile=demo", "-y", ...WAIT);
    expect(await heddle("verify-install")).toMatchObject({ code: 0 });
  });

  test("other values bring what they need, and take what they do not", async () => {
    const two = ["--set", "profile=demo", "--set", "agent.replicas=2"];
    expect(await heddle("install", ...two, "-y", ...WAIT)).toMatchObject({ code: 0 });
    expect([await replicas(), await budgets()]).toEqual([
      "2",
      expect.stringContaining("heddle-agent"),
    ]);
    expect(await heddle("install", "--set", "profile=demo", "-y", ...WAIT)).toMatchObject({
      code: 0,
    });
    expect([await replicas(), await budgets()]).toEqual(["1", ""]);
  });

  test("gateways come and go with their values", async () => {
    const gateways = async () =>
      (await everything()).filter(
        (name) => name.includes("gateway") && !/^(?:pod|custom)/.test(name),
      );
    const none = ["--set", "gateways.egress.enabled=false"];
    const before = await gateways();
    await heddle("install", "--set", "profile=demo", ...none, "-y", ...WAIT);
    expect(await gateways()).toEqual(before.filter((name) => !name.includes("egress")));
    await heddle("install", "--set", "profile=demo", "-y", ...WAIT);
    expect((await gateways()).map((name) => name.replace(/-[0-9a-f]+$/, ""))).toEqual(
      before.map((name) => name.replace(/-[0-9a-f]+$/, "")),
    );
  });

  test("a pod that cannot start is named when time is up", async () => {
    const image = ["--set", "images.agent=heddle/none:v0", "--set", "images.pullPolicy=Never"];
    const failed = await heddle("install", ...image, "--revision", "bad", "-y", "--timeout", "20s");
    expect(failed.code).toBe(1);
    expect(failed.stderr).toMatch(/HDL9067.*\n.*pod heddle-agent-bad-\S+: ErrImageNeverPull/);
  });

  test("one revision goes while another stays", async () => {
    const gone = await heddle("uninstall", "--revision", "bad", "-y");
    expect(gone).toMatchObject({ code: 0 });
    expect(gone.stderr).toContain("another revision of Heddle uses them");
    expect(await heddle("verify-install")).toMatchObject({ code: 0 });
  });

  test("uninstalled, it leaves a definition that has objects, and nothing else", async () => {
    await cluster.kubectl.apply({
      apiVersion: "networking.istio.io/v1",
      kind: "ServiceEntry",
      metadata: { name: "outside", namespace: "default" },
      spec: {
        hosts: ["outside.example"],
        ports: [{ number: 80, name: "http", protocol: "HTTP" }],
        resolution: "DNS",
      },
    });
    const gone = await heddle("uninstall", "-y");
    expect(gone).toMatchObject({ code: 0 });
    const stays = "serviceentries.networking.istio.io";
    expect(gone.stderr).toContain(`${stays} stays: there is 1 object of it`);
    const left = await everything();
    expect(left.filter((name) => !before.includes(name))).toEqual([
      `customresourcedefinition.apiextensions.k8s.io/${stays}`,
    ]);
    expect(await heddle("uninstall", "-y")).toMatchObject({ code: 1 });
    expect(await heddle("uninstall", "-y", "--purge")).toMatchObject({ code: 0 });
    expect(await everything()).toEqual(before);
  });
});

describe("by Helm", () => {
  const DEMO = ["--set", "profile=demo", "--set", "crds.keep=false"];
  let before: string[];
  beforeAll(async () => void (before = await everything()));

  test("a release is what the command would have installed, which leaves it to Helm", async () => {
    await byHelm("install", "heddle", CHART, "--create-namespace", ...DEMO, "--wait", ...WAIT);
    expect(await heddle("verify-install")).toMatchObject({ code: 0 });
    const refused = await heddle("install", "--set", "profile=demo", "-y");
    expect(refused).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/HDL9066.*Helm release heddle/) as unknown,
    });
    expect(await heddle("uninstall", "-y")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("HDL9069") as unknown,
    });
  });

  test("it is upgraded and rolled back", async () => {
    const two = [...DEMO, "--set", "agent.replicas=2"];
    await byHelm("upgrade", "heddle", CHART, ...two, "--wait", ...WAIT);
    expect([await replicas(), await budgets()]).toEqual([
      "2",
      expect.stringContaining("heddle-agent"),
    ]);
    expect(await heddle("verify-install")).toMatchObject({ code: 0 });
    await byHelm("rollback", "heddle", "1", "--wait", ...WAIT);
    expect([await replicas(), await budgets()]).toEqual(["1", ""]);
    expect(await heddle("verify-install")).toMatchObject({ code: 0 });
  });

  test("uninstalled, it leaves nothing but the namespace that Helm never removes", async () => {
    await byHelm("uninstall", "heddle", "--wait", ...WAIT);
    await cluster.kubectl("delete", "namespace", "heddle-system");
    expect(await everything()).toEqual(before);
  });
});

/** What a pod's rules use: the kernel has to find each of iptables' extensions. */
const RULES = [
  "*nat",
  ":X - [0:0]",
  "-A OUTPUT -p tcp -m owner --uid-owner 1337 -m addrtype ! --dst-type LOCAL -j RETURN",
  "-A OUTPUT -p tcp -m multiport --dports 80,443 -j X",
  "-A X -p tcp -j REDIRECT --to-ports 15001",
  "COMMIT",
  "",
].join("\n");
const SET_UP = [
  `printf '%s' "$RULES" | iptables-restore --noflush`,
  `if [ -s /proc/net/if_inet6 ]; then printf '%s' "$RULES" | ip6tables-restore --noflush`,
  "ip -6 addr add ::6/128 dev lo; fi",
  "iptables-save",
].join("\n");

test("the capture image sets up the packet filter of a pod with two capabilities alone", async () => {
  const container = {
    ...{ name: "capture", image: CAPTURE_IMAGE, command: ["/bin/sh", "-ec"], args: [SET_UP] },
    env: [{ name: "RULES", value: RULES }],
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"], add: ["NET_ADMIN", "NET_RAW"] },
    },
  };
  await cluster.kubectl.apply({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "capture", namespace: "default" },
    spec: { restartPolicy: "Never", containers: [container] },
  });
  const phase = () => cluster.kubectl("get", "pod", "capture", "-o", "jsonpath={.status.phase}");
  await expect.poll(phase).toMatch(/Succeeded|Failed/);
  const log = await cluster.kubectl("logs", "capture");
  expect(log).toContain("--uid-owner 1337 -m addrtype ! --dst-type LOCAL -j RETURN");
  expect(log).toContain("-j REDIRECT --to-ports 15001");
  expect(await phase()).toBe("Succeeded");
});
