/**
 * Which machines of WorkloadGroups are let in, and the entries that stand for them: a real API server, two agents with the rights of an
 * installation, and callers with tokens that the API server made. Machines may be on the loopback for one of the two alone.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type AgentCall, callAgent, type Node } from "./harness/agent-caller.ts";
import {
  type Entry,
  GRACE_MS,
  group,
  type MachineMesh,
  startMachineMesh,
} from "./harness/machine-mesh.ts";

const LONG = 60_000;
/** Of an address that the API server takes, and nobody calls. */
const POD = {
  ...{ apiVersion: "v1", kind: "Pod", metadata: { name: "web-1", namespace: "default" } },
  spec: { serviceAccountName: "web", containers: [{ name: "web", image: "web" }] },
  status: { phase: "Running", podIP: "10.7.0.2", podIPs: [{ ip: "10.7.0.2" }] },
};
const NODE = {
  ...{ apiVersion: "v1", kind: "Node", metadata: { name: "node-1" } },
  status: { addresses: [{ type: "InternalIP", address: "10.7.0.1" }] },
};
const written = (name: string, address: string, of?: string) => ({
  apiVersion: "networking.istio.io/v1",
  kind: "WorkloadEntry",
  metadata: {
    ...{ name, namespace: "default" },
    ...(of === undefined ? {} : { annotations: { "istio.io/autoRegistrationGroup": of } }),
  },
  spec: { address },
});

let mesh: MachineMesh;
const tokenOf = (account: string): Promise<string> => mesh.tokenOf(account);
const entry = (name: string): Promise<Entry | undefined> => mesh.entry(name);
const noted = async (name: string) => (await entry(name))?.metadata.annotations ?? {};
const controller = async (name: string) => (await noted(name))["istio.io/workloadController"];

interface Claims {
  readonly type?: string;
  readonly name?: string;
  readonly group?: string;
  readonly namespace?: string;
  readonly account?: string;
  readonly ips?: string;
  readonly stats?: string;
}

/** What a machine's node says. */
function nodeOf(address: string, claims: Claims = {}): Node {
  const { type = "sidecar", name = "m-1", namespace = "default", ips = address } = claims;
  return {
    id: `${type}~${address}~${name}.${namespace}~${namespace}.svc.cluster.local`,
    metadata: {
      ...{ NAMESPACE: namespace, INSTANCE_IPS: ips, LABELS: { app: "web" } },
      ...(claims.account === undefined ? {} : { SERVICE_ACCOUNT: claims.account }),
      ...(claims.stats === undefined ? {} : { HEDDLE_STATS_ADDRESS: claims.stats }),
      AUTO_REGISTER_GROUP: claims.group ?? "legacy",
    },
  };
}

const call = (token: string, node: Node, agent = 0): AgentCall =>
  callAgent({ port: mesh.agents[agent]?.ports.xdsTls, roots: mesh.roots }, token, node);

function whoAmI(token: string, node: Node, agent = 0): Promise<string> {
  const made = call(token, node, agent);
  return made.identity.finally(() => made.end());
}

beforeAll(async () => {
  mesh = await startMachineMesh([
    ...[group("legacy", "legacy"), group("others", "other"), POD, NODE],
    ...[written("theirs", "10.7.2.1", "others"), written("nobodys", "10.7.2.2")],
    written("mine", "10.7.4.3", "legacy"),
  ]);
}, 300_000);
afterAll(() => mesh?.close());

describe("a token that names no pod", () => {
  test("is its account's where the node names a WorkloadGroup of it, whatever else the node says", async () => {
    const token = await tokenOf("legacy");
    const is = "spiffe://cluster.local/ns/default/sa/legacy";
    expect(await whoAmI(token, nodeOf("10.7.1.1"))).toBe(is);
    expect(await whoAmI(token, nodeOf("fd00:7::1"))).toBe(is);
    expect(await whoAmI(await tokenOf("other"), nodeOf("10.7.1.2", { group: "others" }))).toBe(
      "spiffe://cluster.local/ns/default/sa/other",
    );
  });

  test("proves nothing without a WorkloadGroup of its account", async () => {
    const refused = /^UNAUTHENTICATED HDL7251 .*no pod.*no WorkloadGroup/;
    expect(await whoAmI(await tokenOf("lonely"), nodeOf("10.7.1.3"))).toMatch(refused);
  });

  test("is no other group's, account's or namespace's, and no gateway's", async () => {
    const token = await tokenOf("legacy");
    for (const claims of [
      { group: "others" },
      { group: "nobody" },
      { group: "" },
      { account: "other" },
      { namespace: "kube-system" },
      { type: "router" },
      { stats: "169.254.169.254:80" },
      { ips: "10.7.1.4,10.7.1.5" },
    ] satisfies Claims[])
      expect(await whoAmI(token, nodeOf("10.7.1.4", claims)), JSON.stringify(claims)).toMatch(
        /^PERMISSION_DENIED HDL7253 /,
      );
    expect(await entry("legacy-10.7.1.4")).toBeUndefined();
  });

  test("claims no address that a machine cannot have, or that somebody else has", async () => {
    const token = await tokenOf("legacy");
    const service = await mesh.api.kubectl(
      ...["get", "service", "web", "-o", "jsonpath={.spec.clusterIP}"],
    );
    await expect
      .poll(() => whoAmI(token, nodeOf("10.7.2.2")))
      .toMatch(/HDL7253 .*WorkloadEntry default\/nobodys has/);
    for (const [address, why] of [
      ["10.7.0.2", "Pod default/web-1"],
      [service, "Service default/web"],
      ["10.7.0.1", "Node"],
      ["10.7.2.1", "WorkloadEntry default/theirs"],
      ["169.254.169.254", "link"],
      ["fe80::1", "link"],
      ["0.0.0.0", "no single address"],
      ["::", "no address"],
      ["224.0.0.1", "many"],
      ["::ffff:10.7.1.9", "IPv4"],
      ["legacy.example", "no IP address"],
    ] as const)
      expect(await whoAmI(token, nodeOf(address)), address).toMatch(
        new RegExp(`^PERMISSION_DENIED HDL7253 .*${why}`),
      );
    // The other agent allows for nothing.
    for (const address of ["127.67.2.21", "127.0.0.1", "::1"])
      expect(await whoAmI(token, nodeOf(address), 1), address).toMatch(
        /^PERMISSION_DENIED HDL7253 .*own loopback/,
      );
  });

  test("does not take the place of another machine that is connected, to whichever replica", async () => {
    const token = await tokenOf("legacy");
    const first = call(token, nodeOf("10.7.3.1"), 1);
    expect(await first.identity).toMatch(/^spiffe:/);
    await expect.poll(() => controller("legacy-10.7.3.1")).toBe("heddle-agent-2");
    for (const replica of [0, 1])
      await expect
        .poll(() => whoAmI(token, nodeOf("10.7.3.1", { name: "m-2" }), replica))
        .toMatch(/^PERMISSION_DENIED HDL7253 .*machine "m-1" has/);
    expect(await whoAmI(token, nodeOf("10.7.3.1"), 1)).toMatch(/^spiffe:/);
    first.end();
    // Once it is gone another may come.
    await expect.poll(() => whoAmI(token, nodeOf("10.7.3.1", { name: "m-2" }))).toMatch(/^spiffe:/);
  });
});

describe("the entry of a machine", () => {
  test("is the replica's that the machine came to last, and goes only with the machine", async () => {
    const token = await tokenOf("legacy");
    const name = "legacy-10.7.4.1";
    const before = call(token, nodeOf("10.7.4.1"), 0);
    await expect.poll(() => controller(name)).toBe("heddle-agent-1");
    const uid = (await entry(name))?.metadata.uid;
    const after = call(token, nodeOf("10.7.4.1"), 1);
    await expect.poll(() => controller(name)).toBe("heddle-agent-2");
    before.end();
    await new Promise((resolve) => setTimeout(resolve, 3 * GRACE_MS));
    const kept = await entry(name);
    expect(kept?.metadata.uid).toBe(uid);
    expect(kept?.metadata.annotations).not.toHaveProperty(["istio.io/disconnectedAt"]);
    after.end();
    await expect.poll(() => entry(name)).toBeUndefined();
  });

  test("is made again where somebody takes it away, and follows its group", async () => {
    const token = await tokenOf("other");
    const name = "others-10.7.4.2";
    const machine = call(token, nodeOf("10.7.4.2", { group: "others" }), 1);
    await expect.poll(() => entry(name)).toBeDefined();
    await mesh.api.kubectl("delete", "workloadentry", name);
    await expect.poll(() => entry(name)).toBeDefined();
    await mesh.api.kubectl.apply(group("others", "other", {}, { ports: { http: 9090 } }));
    await expect
      .poll(async () => (await entry(name))?.spec)
      .toMatchObject({ ports: { http: 9090 } });
    machine.end();
    await expect.poll(() => entry(name)).toBeUndefined();
  });

  test("that somebody has written for the machine is left as it is", async () => {
    const token = await tokenOf("legacy");
    expect(await whoAmI(token, nodeOf("10.7.4.3"))).toMatch(/^spiffe:/);
    await new Promise((resolve) => setTimeout(resolve, 3 * GRACE_MS));
    expect(await entry("mine")).toBeDefined();
    expect(await entry("legacy-10.7.4.3")).toBeUndefined();
  });
});

test("a replica that is gone leaves entries that the leader removes", async () => {
  const token = await tokenOf("legacy");
  const machine = call(token, nodeOf("10.7.6.1"), 1);
  await expect.poll(() => controller("legacy-10.7.6.1")).toBe("heddle-agent-2");
  await mesh.agents.pop()?.close();
  machine.end();
  expect(await entry("legacy-10.7.6.1")).toBeDefined();
  await expect.poll(() => entry("legacy-10.7.6.1"), { timeout: 2 * LONG }).toBeUndefined();
}, 180_000);
