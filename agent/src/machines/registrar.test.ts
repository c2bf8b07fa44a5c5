import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ApiFailure } from "../kubernetes/api-failure.ts";
import type { AgentLog } from "../log.ts";
import { registrationOf } from "./entry.ts";
import { entryKey, type Machine } from "./machine.ts";
import { createRegistrar, type Registrar } from "./registrar.ts";
import { sweep } from "./sweep.ts";
import {
  type Entries,
  type EntryClient,
  groupObject,
  keptEntries,
  keyOfGroup,
} from "./testing/entries.ts";

const MACHINE: Machine = {
  ...{ namespace: "shop", name: "m-1", group: "legacy", address: "10.0.0.7" },
  ...{ entry: "legacy-10.0.0.7", registers: true, locality: "" },
};
const KEY = entryKey("shop", MACHINE.entry);
const GRACE = 20;
const silent: AgentLog = { info() {}, warn() {}, error() {} };

function replica(name: string, client: EntryClient, log = silent): Registrar {
  return createRegistrar({
    ...{ client, replica: name, grace: GRACE, log },
    groupAt: (key) =>
      key === keyOfGroup("legacy") ? groupObject("legacy", "legacy", { app: "legacy" }) : undefined,
    uidOf: () => "uid-of-legacy",
  });
}

/** As each of them would hear of every write. */
function told(entries: Entries, replicas: readonly Registrar[]): void {
  entries.onWrite = (key) =>
    void setImmediate(() => {
      for (const each of replicas) each.objectsChanged([key], (of) => entries.all.get(of) as never);
    });
}
const noted = ({ all }: Entries) => {
  const entry = all.get(KEY);
  return entry && registrationOf(entry);
};

describe("the entry of a machine", () => {
  it("is there just while the machine is connected to any replica, whatever the order of coming and going", async () => {
    const step = fc.record({ who: fc.nat(2), comes: fc.boolean(), wait: fc.nat(GRACE) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const entries = keptEntries();
        const replicas = ["a", "b", "c"].map((name) => replica(name, entries.client));
        told(entries, replicas);
        const open: (() => void)[][] = [[], [], []];
        for (const { who, comes, wait } of steps) {
          if (comes) open[who]?.push(replicas[who]!.connected(MACHINE));
          else open[who]?.pop()?.();
          await sleep(wait);
        }
        const isOpen = open.some((each) => each.length > 0);
        await expect
          .poll(() => noted(entries)?.connectedAt !== undefined, { interval: 5, timeout: 3_000 })
          .toBe(isOpen);
        await sleep(3 * GRACE);
        expect(entries.all.has(KEY)).toBe(isOpen);
        expect(noted(entries)?.disconnectedAt).toBeUndefined();
        for (const each of replicas) each.close();
      }),
      { numRuns: 30 },
    );
  }, 60_000);

  it("is not for a moment that of a machine that is gone, while that comes to another replica", async () => {
    const entries = keptEntries();
    const [a, b] = ["a", "b"].map((name) => replica(name, entries.client));
    const leave = a?.connected(MACHINE);
    await expect.poll(() => noted(entries)?.controller).toBe("a");
    b?.connected(MACHINE);
    await expect.poll(() => noted(entries)?.controller).toBe("b");
    const states: unknown[] = [];
    entries.onWrite = () => states.push(noted(entries));
    leave?.();
    await sleep(5 * GRACE);
    expect(states).toEqual([]);
    for (const each of [a, b]) each?.close();
  });

  it("of another hand is left as it is, and a failure is told of once and tried again", async () => {
    const entries = keptEntries();
    const place = { apiVersion: "networking.istio.io/v1", plural: "workloadentries" };
    const theirs = {
      ...{ apiVersion: "networking.istio.io/v1", kind: "WorkloadEntry" },
      metadata: { name: MACHINE.entry, namespace: "shop" },
      spec: { address: "10.9.9.9" },
    };
    await entries.client.create({ ...place, namespace: "shop" }, theirs);
    const errors: string[] = [];
    const log = { ...silent, error: (message: string) => void errors.push(message) };
    const one = replica("a", entries.client, log);
    one.connected(MACHINE)();
    await expect.poll(() => errors).toEqual([expect.stringMatching(/^HDL7262: .*another hand/)]);
    expect(entries.all.get(KEY)?.["spec"]).toEqual(theirs.spec);
    one.close();

    const away = keptEntries();
    let tries = 0;
    const failing: EntryClient = {
      ...away.client,
      create: (...args) =>
        ++tries < 4
          ? Promise.reject(new ApiFailure("forbidden", 403, "Forbidden", 0))
          : away.client.create(...args),
    };
    errors.length = 0;
    const other = replica("a", failing, log);
    other.connected(MACHINE);
    await expect.poll(() => other.unwritten()).toBe(1);
    await expect.poll(() => away.all.has(KEY), { timeout: 5_000 }).toBe(true);
    await expect.poll(() => other.unwritten()).toBe(0);
    expect(errors).toHaveLength(1);
    other.close();
  });
});

describe("what is left over of a replica that is gone", () => {
  it("is removed by the leader, but not what is another's, or somebody still serves", async () => {
    const entries = keptEntries();
    const [gone, there] = ["gone", "there"].map((name) => replica(name, entries.client));
    const kept = { ...MACHINE, address: "10.0.0.8", entry: "legacy-10.0.0.8" };
    gone?.connected(MACHINE);
    there?.connected(kept);
    const istios = {
      ...{ apiVersion: "networking.istio.io/v1", kind: "WorkloadEntry" },
      metadata: {
        ...{ name: "istios", namespace: "shop" },
        annotations: {
          "istio.io/autoRegistrationGroup": "legacy",
          "istio.io/workloadController": "istiod-1",
          "istio.io/disconnectedAt": "2026-01-01T00:00:00Z",
        },
      },
    };
    const place = { apiVersion: istios.apiVersion, plural: "workloadentries", namespace: "shop" };
    await entries.client.create(place, istios);
    await expect.poll(() => entries.all.size).toBe(3);
    gone?.close();
    const ending = new AbortController();
    const swept = sweep(
      {
        ...{ client: entries.client, grace: GRACE, orphaned: GRACE, log: silent },
        entries: () => entries.all.keys(),
        objectAt: (key) => entries.all.get(key) as never,
        isServed: (_, controller) => controller === "there",
      },
      ending.signal,
    );
    await expect.poll(() => entries.all.has(KEY), { timeout: 10_000 }).toBe(false);
    expect([...entries.all.values()].map(({ metadata }) => metadata.name).toSorted()).toEqual([
      "istios",
      "legacy-10.0.0.8",
    ]);
    ending.abort();
    await swept;
    there?.close();
  }, 20_000);
});
