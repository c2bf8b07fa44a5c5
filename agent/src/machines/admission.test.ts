import type { MeshObject } from "@heddle/model";
import type { ProxyDescription, XdsNode } from "@heddle/translate";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CallerRefused } from "../callers/index.ts";
import { createAdmission } from "./admission.ts";
import { createDirectory } from "./directory.ts";
import type { Machine } from "./machine.ts";
import { createNodeAddresses } from "./node-addresses.ts";
import { groupObject } from "./testing/entries.ts";

const silent = { warn() {} };
const ACCOUNT = { namespace: "shop", serviceAccount: "legacy" };
const keyOf = ({ apiVersion, kind, metadata: { namespace, name } }: MeshObject) =>
  `${apiVersion.includes("/") ? apiVersion.split("/")[0] : "core"}/${kind}/${namespace}/${name}`;

function object(kind: string, name: string, spec: object, more: object = {}): MeshObject {
  const apiVersion = kind.startsWith("Workload") ? "networking.istio.io/v1" : "v1";
  const metadata = { name, namespace: "shop", labels: {}, annotations: {}, ...more };
  return { apiVersion, kind, metadata, spec } as MeshObject;
}
const inGroup = (group: string, more: object = {}) => ({
  annotations: { "istio.io/autoRegistrationGroup": group, ...more },
});

const OBJECTS: MeshObject[] = [
  groupObject("legacy", "legacy", { app: "legacy" }),
  groupObject("others", "other"),
  object("Pod", "web", { status: { phase: "Running", podIP: "10.1.0.1", podIPs: [] } }),
  object("Pod", "done", { status: { phase: "Succeeded", podIP: "10.1.0.2" } }),
  object("Service", "web", { clusterIP: "10.96.0.9", clusterIPs: ["10.96.0.9", "fd96::9"] }),
  object("WorkloadEntry", "theirs", { address: "10.2.0.1" }, inGroup("others")),
  object("WorkloadEntry", "nobodys", { address: "10.2.0.2" }),
  object(
    "WorkloadEntry",
    "mine",
    { address: "10.2.0.3", labels: { app: "mine" } },
    inGroup("legacy"),
  ),
  object(
    "WorkloadEntry",
    "legacy-10.2.0.4",
    { address: "10.2.0.4" },
    inGroup("legacy", {
      "istio.io/workloadController": "b",
      "istio.io/connectedAt": "2026-11-30T00:00:00Z",
      "heddle.dev/machine": "m-1",
    }),
  ),
  object(
    "WorkloadEntry",
    "foreign",
    { address: "10.2.0.5", serviceAccount: "x" },
    inGroup("legacy"),
  ),
];

interface Setting {
  readonly replica?: string | undefined;
  readonly live?: Machine;
}

function admission({ replica = "a", live }: Setting = {}) {
  const objects = new Map(OBJECTS.map((each) => [keyOf(each), each]));
  const objectAt = (key: string) => objects.get(key);
  const directory = createDirectory(objectAt);
  directory.objectsChanged(objects.keys());
  const status = { addresses: [{ address: "10.7.0.1" }, { address: "node-1" }] };
  const node = { apiVersion: "v1", kind: "Node", metadata: { name: "node-1" }, status };
  const admitted = new Map<ProxyDescription, Machine>();
  const accounts = createAdmission({
    ...{ directory, objectAt, replica: replica === "" ? undefined : replica, loopback: false },
    nodes: createNodeAddresses(() => Promise.resolve([node]), silent),
    live: (address) => (live?.address === address ? live : undefined),
    admitted: (proxy, machine) => void admitted.set(proxy, machine),
    patience: 0,
  });
  return { accounts, admitted };
}

function nodeOf(address: string, name = "m-1", group: unknown = "legacy"): XdsNode {
  return {
    id: `sidecar~${address}~${name}.shop~shop.svc.cluster.local`,
    metadata: { LABELS: { app: "admin" }, AUTO_REGISTER_GROUP: group },
  };
}

async function tell(node: XdsNode, setting: Setting = {}): Promise<string> {
  const { accounts } = admission(setting);
  const account = await accounts(ACCOUNT);
  try {
    return account.admit(node).pod;
  } catch (error) {
    if (error instanceof CallerRefused) return error.message;
    throw error;
  }
}

describe("a machine", () => {
  it("is its account's, with the labels of its group, whatever its node says", async () => {
    const { accounts, admitted } = admission();
    const proxy = (await accounts(ACCOUNT)).admit(nodeOf("10.3.0.1"));
    expect(proxy).toMatchObject({
      ...ACCOUNT,
      ...{ pod: "legacy-10.3.0.1", addresses: ["10.3.0.1"], labels: { app: "legacy" } },
    });
    expect(admitted.get(proxy)).toMatchObject({ registers: true, name: "m-1" });
  });

  it.each([
    ["10.1.0.1", /Pod shop\/web has/],
    ["10.96.0.9", /Service shop\/web has/],
    ["FD96:0::9", /Service shop\/web has/],
    ["10.7.0.1", /Node of the cluster has/],
    ["10.2.0.1", /WorkloadEntry shop\/theirs has/],
    ["10.2.0.2", /WorkloadEntry shop\/nobodys has/],
    ["10.2.0.5", /WorkloadEntry shop\/foreign, and that of another account/],
    ["127.0.0.1", /own loopback/],
    ["169.254.169.254", /its own link/],
    ["", /claims 0 addresses/],
  ])("does not have address %j", async (address, why) => {
    const said = await tell(nodeOf(address));
    expect(said).toMatch(/^HDL7253 /);
    expect(said).toMatch(why);
  });

  it("may have the address of a pod that has ended", async () => {
    expect(await tell(nodeOf("10.1.0.2"))).toBe("legacy-10.1.0.2");
  });

  it("is the entry that somebody has written for it", async () => {
    const { accounts, admitted } = admission({ replica: "" });
    const proxy = (await accounts(ACCOUNT)).admit(nodeOf("10.2.0.3"));
    expect(proxy).toMatchObject({ pod: "mine", labels: { app: "mine" } });
    expect(admitted.get(proxy)).toMatchObject({ registers: false });
    // An agent that writes none takes no other.
    expect(await tell(nodeOf("10.3.0.1"), { replica: "" })).toMatch(/HDL7253 No WorkloadEntry/);
  });

  it("does not take another's place, here or at another replica, and comes back to its own", async () => {
    expect(await tell(nodeOf("10.2.0.4", "m-2"))).toMatch(/machine "m-1" has, which is connected/);
    expect(await tell(nodeOf("10.2.0.4", "m-1"))).toBe("legacy-10.2.0.4");
    // What this replica has noted itself, and has no stream of, is over.
    expect(await tell(nodeOf("10.2.0.4", "m-2"), { replica: "b" })).toBe("legacy-10.2.0.4");
    const live: Machine = {
      ...{ namespace: "shop", name: "m-1", group: "legacy", address: "10.3.0.1" },
      ...{ entry: "legacy-10.3.0.1", registers: true, locality: "" },
    };
    expect(await tell(nodeOf("10.3.0.1", "m-2"), { live })).toMatch(/which is connected/);
    expect(await tell(nodeOf("10.3.0.1"), { live })).toBe("legacy-10.3.0.1");
  });

  it("is nobody without a group of its account", async () => {
    const { accounts } = admission();
    await expect(accounts({ namespace: "shop", serviceAccount: "web" })).rejects.toMatchObject({
      code: "HDL7251",
    });
    await expect(accounts({ namespace: "pay", serviceAccount: "legacy" })).rejects.toMatchObject({
      code: "HDL7251",
    });
    for (const group of ["others", "nobody", "", null, 1, ["legacy"]])
      expect(await tell(nodeOf("10.3.0.1", "m-1", group))).toMatch(/^HDL7253 .*is legacy\.$/);
  });

  it("is refused or proven: nothing that a node says makes it another account, or gives it labels", async () => {
    const { accounts } = admission();
    const account = await accounts(ACCOUNT);
    const word = fc.oneof(
      fc.constantFrom("shop", "pay", "legacy", "other", "router", "sidecar", "10.3.0.9", ""),
      fc.string({ maxLength: 12 }),
    );
    // Right more often than not, or nothing would ever be right as a whole.
    const mostly = (text: string) =>
      fc.oneof({ arbitrary: fc.constant(text), weight: 8 }, { arbitrary: word, weight: 1 });
    const id = fc
      .tuple(mostly("sidecar"), mostly("10.3.0.9"), word, mostly("shop"), word)
      .map(([type, ip, name, namespace, domain]) => `${type}~${ip}~${name}.${namespace}~${domain}`);
    const metadata = fc.record(
      {
        ...{ NAMESPACE: mostly("shop"), SERVICE_ACCOUNT: mostly("legacy") },
        ...{ INSTANCE_IPS: mostly("10.3.0.9"), LABELS: fc.dictionary(word, word) },
        AUTO_REGISTER_GROUP: mostly("legacy"),
        HEDDLE_STATS_ADDRESS: word,
      },
      { requiredKeys: ["AUTO_REGISTER_GROUP"] },
    );
    let admitted = 0;
    fc.assert(
      fc.property(id, metadata, (node, said) => {
        try {
          const proxy = account.admit({ id: node, metadata: said });
          admitted++;
          expect(proxy).toMatchObject({ ...ACCOUNT, type: "sidecar", labels: { app: "legacy" } });
          expect(Object.keys(proxy.labels)).toEqual(["app"]);
          expect(proxy.addresses).toEqual(["10.3.0.9"]);
        } catch (error) {
          if (!(error instanceof CallerRefused)) throw error;
          expect(error.code).toBe("HDL7253");
        }
      }),
      { numRuns: 3_000 },
    );
    expect(admitted).toBeGreaterThan(100);
  });

  it("that nothing tells apart sends telemetry as its group", async () => {
    const { accounts } = admission();
    expect((await accounts(ACCOUNT)).workload()).toMatchObject({ pod: "legacy", addresses: [] });
    expect(
      (await accounts({ namespace: "shop", serviceAccount: "other" })).workload(),
    ).toMatchObject({ pod: "theirs", addresses: ["10.2.0.1"] });
  });
});

describe("addresses of Nodes", () => {
  it("are read again after a while, and count on while they cannot be", async () => {
    let now = 0;
    let times = 0;
    let away = false;
    const list = () => {
      times++;
      const status = { addresses: [{ address: "10.7.0.1" }] };
      const node = { apiVersion: "v1", kind: "Node", metadata: { name: "n" }, status };
      return away ? Promise.reject(new Error("away")) : Promise.resolve([node]);
    };
    const nodes = createNodeAddresses(list, silent, () => now);
    await Promise.all([nodes.refresh(), nodes.refresh()]);
    expect(times).toBe(1);
    now += 600_000;
    away = true;
    await nodes.refresh();
    expect([times, nodes.has("10.7.0.1")]).toEqual([2, true]);
    const none = createNodeAddresses(list, silent, () => now);
    await expect(none.refresh()).rejects.toMatchObject({ code: "HDL7254" });
  });
});
