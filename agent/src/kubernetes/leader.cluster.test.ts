/** The election of a leader by a Lease of a real API server, which goes away and comes back. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import {
  type ApiServerAlone,
  startApiServerAlone,
} from "../../../test/cluster/harness/api-server-alone.ts";
import type { AgentLog } from "../log.ts";
import { until } from "../testing/envoy-pod.ts";
import { openAccess } from "./access.ts";
import { createKubernetesClient, type KubernetesClient } from "./client.ts";
import { type Leadership, startLeadership } from "./leader.ts";

/** Shorter than in clusters, in the same order. */
const TIMES = { duration: 6_000, renewWithin: 4_000, retry: 500 };
const LEASES = {
  ...{ apiVersion: "coordination.k8s.io/v1", plural: "leases", namespace: "default" },
};
const LONG = 60_000;
const quiet: AgentLog = { info() {}, warn() {}, error() {} };

describe("replicas of an agent", () => {
  let folder: string;
  let api: ApiServerAlone;
  let client: KubernetesClient;
  const running = new Set<Leadership>();
  /** Who works as the leader at the moment, and the most that ever did at once. */
  let leading: string[] = [];
  let most = 0;
  const replica = (lease: string, identity: string, log = quiet) => {
    const options = { client, namespace: "default", name: lease, identity, log, times: TIMES };
    const started = startLeadership(options);
    running.add(started);
    started.onLeading("test", async (signal) => {
      leading.push(identity);
      most = Math.max(most, leading.length);
      await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
      leading = leading.filter((each) => each !== identity);
    });
    return started;
  };
  const leaseOf = async (name: string) =>
    (await client.get(LEASES, name))["spec"] as Record<string, unknown>;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "heddle-leader-"));
    api = await startApiServerAlone(path.join(folder, "api"));
    const access = await openAccess({ kubeconfig: api.kubeconfig, context: undefined });
    client = createKubernetesClient(access);
  }, 180_000);
  afterEach(async () => {
    await Promise.all([...running].map((each) => each.close()));
    running.clear();
    expect([leading, most]).toEqual([[], expect.toSatisfy((count: number) => count <= 1)]);
  }, LONG);
  afterAll(async () => {
    await api?.down();
    await rm(folder, { recursive: true, force: true });
  }, LONG);

  it(
    "have one leader, and another at once when it ends",
    async () => {
      const first = replica("one", "a");
      await until(() => first.isLeader, LONG);
      const others = [replica("one", "b"), replica("one", "c")];
      await until(() => others.every(({ leader }) => leader === "a"), LONG);
      expect(leading).toEqual(["a"]);
      await first.close();
      expect(leading).toEqual([]);
      expect((await leaseOf("one"))["holderIdentity"]).toBe("");
      const began = performance.now();
      await until(() => leading.length === 1, LONG);
      // A lease that was not given back lasts longer.
      expect(performance.now() - began).toBeLessThan(TIMES.duration / 2);
      expect(await leaseOf("one")).toMatchObject({ leaseTransitions: 1 });
    },
    LONG,
  );

  it(
    "take the lease of one that is gone when it has run out, and not before, however its clock went",
    async () => {
      const spec = {
        ...{ holderIdentity: "gone", leaseDurationSeconds: 6 },
        ...{ acquireTime: "2001-01-01T00:00:00.000000Z", renewTime: "2001-01-01T00:00:00.000000Z" },
      };
      await client.create(LEASES, {
        ...{ apiVersion: LEASES.apiVersion, kind: "Lease", spec, metadata: { name: "two" } },
      });
      const began = performance.now();
      const next = replica("two", "a");
      await until(() => next.isLeader, LONG);
      expect(performance.now() - began).toBeGreaterThan(TIMES.duration);
      expect(await leaseOf("two")).toMatchObject({ holderIdentity: "a", leaseTransitions: 1 });
    },
    LONG,
  );

  it("stop working before the lease runs out where they cannot renew it, and go on when they can", async () => {
    const logged: string[] = [];
    const log = { ...quiet, warn: (message: string) => void logged.push(message) };
    const leader = replica("three", "a", log);
    await until(() => leader.isLeader, LONG);
    await api.killApiServer();
    const began = performance.now();
    await until(() => leading.length === 0, LONG);
    expect(performance.now() - began).toBeLessThan(TIMES.duration);
    expect(leader.isLeader).toBe(false);
    expect(logged).toEqual([expect.stringContaining("HDL7270")]);
    await api.startApiServer();
    await until(() => leading.length === 1, LONG);
  }, 120_000);

  it(
    "do not take back what another has taken",
    async () => {
      const leader = replica("four", "a");
      await until(() => leader.isLeader, LONG);
      await client.patch(LEASES, "four", { merge: { spec: { holderIdentity: "thief" } } });
      await until(() => !leader.isLeader, LONG);
      expect(leading).toEqual([]);
      expect(leader.leader).toBe("thief");
    },
    LONG,
  );

  it(
    "begin work anew that failed, and end it when it is taken away",
    async () => {
      const leader = replica("five", "a");
      let tries = 0;
      let ended = false;
      const end = leader.onLeading("flaky", async (signal) => {
        if (tries++ === 0) throw new Error("not yet");
        await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
        ended = true;
      });
      await until(() => tries === 2, LONG);
      await end();
      expect([ended, leader.isLeader]).toEqual([true, true]);
    },
    LONG,
  );
});
