import { createRoot, issueLeaf } from "@heddle/pki";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { WorkloadCertificate } from "./certificates.ts";
import { firstEnd, watchedCertificates } from "./expiries.ts";
import { type ExpiryWatch, watchExpiry } from "./expiry-watch.ts";

const HOUR = 3_600_000;
const START = Date.parse("2026-01-01T00:00:00Z");
const LIFETIME = 24 * HOUR;

beforeEach(() => void vi.useFakeTimers({ now: START }));
let watch: ExpiryWatch | undefined;
afterEach(() => {
  watch?.close();
  vi.useRealTimers();
});

const leaf = (issuedAt: number): WorkloadCertificate => ({
  ...{ spiffeId: "spiffe://td/ns/shop/sa/web", workloadName: undefined, chain: "" },
  ...{ privateKey: "", serialNumber: "1", issuer: "", root: "", issuedAt },
  ...{ notBefore: issuedAt, notAfter: issuedAt + LIFETIME },
});

/** What is told of one certificate, and when: hours since it was made. */
function watched(signedBy: "agent" | "plane") {
  const state = { leaves: [leaf(START)], missing: 0 };
  const told: [hour: number, level: string][] = [];
  const lines: string[] = [];
  const line =
    (severity: string) =>
    (message: string, { level }: { readonly level?: unknown } = {}) => {
      lines.push(`${severity} ${message}`);
      if (level !== undefined) told.push([Math.round((Date.now() - START) / HOUR), String(level)]);
    };
  watch = watchExpiry({
    certificates: () =>
      watchedCertificates(
        { all: () => state.leaves, trustBundle: () => undefined },
        { signedBy },
        Date.now(),
      ),
    missing: () => state.missing,
    lifetime: LIFETIME,
    log: { info: line("info"), warn: line("warn"), error: line("error") },
  });
  return { state, told, lines, watch };
}

it("tells at half of a certificate's life where the plane signs it, once at each level", async () => {
  const { told, lines, watch: own } = watched("plane");
  await vi.advanceTimersByTimeAsync(30 * HOUR);
  expect(told).toEqual([
    [12, "warning"],
    [19, "critical"],
    [24, "expired"],
  ]);
  expect(lines).toEqual([
    "warn HDL9110: Certificates of workloads are not renewed: 1. The first ends at 2026-01-02T00:00:00.000Z.",
    "error HDL9110: Certificates of workloads are not renewed: 1. The first ends at 2026-01-02T00:00:00.000Z.",
    "error HDL9111: Certificates of workloads have ended: 1. The first did at 2026-01-02T00:00:00.000Z.",
  ]);
  expect(own.alerts().map(({ code }) => code)).toEqual(["HDL9111"]);
});

it("leaves the agent more time, which renews its own later", async () => {
  const { told } = watched("agent");
  await vi.advanceTimersByTimeAsync(30 * HOUR);
  expect(told[0]).toEqual([19, "warning"]);
});

it("says that all is well again", async () => {
  const { state, lines, watch: own } = watched("plane");
  await vi.advanceTimersByTimeAsync(13 * HOUR);
  expect(own.alerts()).toHaveLength(1);
  state.leaves = [leaf(Date.now())];
  await vi.advanceTimersByTimeAsync(HOUR);
  expect(lines.at(-1)).toBe("info all certificates are renewed again");
  expect(own.alerts()).toEqual([]);
});

it("tells of workloads that have none", async () => {
  const { state, told, watch: own } = watched("plane");
  state.missing = 3;
  await vi.advanceTimersByTimeAsync(HOUR);
  expect(told.map(([, level]) => level)).toEqual(["missing"]);
  expect(own.alerts()[0]?.message).toBe(
    "Workloads have no certificate here, since none can be got: 3.",
  );
});

it("watches the agent's intermediate and the roots too, each by its own measure", async () => {
  vi.useRealTimers();
  const now = Date.now();
  const { authority, keys, pem } = await createRoot("td.example", {
    now,
    lifetime: 100 * LIFETIME,
  });
  const { chain } = await issueLeaf(authority, keys.publicKey, {
    ...{ now, spiffeId: "spiffe://td.example/ns/a/sa/b" },
  });
  const at = (later: number) =>
    watchedCertificates(
      { all: () => [], trustBundle: () => pem },
      { signedBy: "agent", intermediate: () => chain },
      now + later,
    ).map(({ kind, level }) => [kind, level]);
  expect(at(0)).toEqual([
    ["agent", "ok"],
    ["root", "ok"],
  ]);
  expect(at(0.8 * LIFETIME)).toEqual([
    ["agent", "warning"],
    ["root", "ok"],
  ]);
  expect(at(11 * LIFETIME)).toEqual([
    ["agent", "expired"],
    ["root", "warning"],
  ]);
  expect(firstEnd([], "root")).toBeUndefined();
});
