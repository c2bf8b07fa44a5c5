import type { PodOfProxy } from "@heddle/translate";
import { expect, it } from "vitest";
import type { MachineCaller, PodCaller } from "./callers.ts";
import { senderOf } from "./sender.ts";

const TIMES = { issuedAt: 0, expiresAt: 1 };
const MESH = { trustDomain: "cluster.local", clusterId: "c1" };
const peerOf = ({ pod, namespace, labels }: PodOfProxy) => ({
  ...{ workload: pod, namespace, app: labels["app"] ?? "", version: "" },
  ...{ canonicalService: pod, canonicalRevision: "latest", cluster: "c1" },
});
const machine = (workload: ReturnType<MachineCaller["workload"]>): MachineCaller => ({
  ...{ namespace: "shop", serviceAccount: "legacy", ...TIMES },
  admit: () => {
    throw new Error("not asked for");
  },
  workload: () => workload,
});

it("is a pod by its name and uid", () => {
  const pod: PodCaller = {
    ...{ namespace: "shop", serviceAccount: "web", pod: "web-1", uid: "1", ...TIMES },
    ...{ addresses: ["10.0.0.1"], labels: { app: "web" } },
  };
  expect(senderOf(pod, MESH, peerOf)).toMatchObject({
    ...{ pod: "web-1", uid: "1", app: "web", principal: "spiffe://cluster.local/ns/shop/sa/web" },
    labels: { app: "web" },
  });
});

it("is a machine by its entry, and by its group where there are several", () => {
  const principal = "spiffe://cluster.local/ns/shop/sa/legacy";
  const labels = { app: "legacy" };
  expect(
    senderOf(machine({ pod: "legacy-10.0.3.7", addresses: ["10.0.3.7"], labels }), MESH, peerOf),
  ).toMatchObject({ pod: "legacy-10.0.3.7", uid: "", app: "legacy", principal });
  expect(senderOf(machine({ pod: "legacy", addresses: [], labels }), MESH, peerOf)).toMatchObject({
    pod: "",
    workload: "legacy",
    app: "legacy",
    principal,
  });
});
