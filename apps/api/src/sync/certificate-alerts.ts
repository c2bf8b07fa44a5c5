/** Tells when certificates of agents and workloads, and roots that a mesh federates with, are about to end: their renewal has failed for a while. */
import { type ExpiryLevel, expiryLevel, type ExpiryRule } from "@heddle/pki";
import { federatedRoots } from "../pki/federation-list.ts";
import type { RoomAgent } from "@heddle/sync";

/** A level is a share of a life, which is hours at least where anybody reads of it. Milliseconds. */
const LOOK_EVERY = 15_000;

export interface CertificateAlerts {
  readonly warning: number;
  readonly critical: number;
  readonly expired: number;
}

/** Answers with the counts when they are others than the last time, and looks no oftener than is of use. */
export function createAlertWatch(): (
  agents: Iterable<RoomAgent>,
  now: number,
) => CertificateAlerts | undefined {
  let lookedAt = -Infinity;
  let told = "";
  return (agents, now) => {
    if (now - lookedAt < LOOK_EVERY) return undefined;
    lookedAt = now;
    const alerts = count(agents, now);
    const text = JSON.stringify(alerts);
    const isNews = text !== told && (told !== "" || Object.values(alerts).some((each) => each > 0));
    told = text;
    return isNews ? alerts : undefined;
  };
}

function count(agents: Iterable<RoomAgent>, now: number): CertificateAlerts {
  const counts: Record<ExpiryLevel, number> = { ok: 0, warning: 0, critical: 0, expired: 0 };
  const add = (rule: ExpiryRule, of: { notBefore: string; notAfter: string }) =>
    counts[
      expiryLevel(
        rule,
        { notBefore: Date.parse(of.notBefore), notAfter: Date.parse(of.notAfter) },
        now,
      )
    ]++;
  const all = [...agents];
  const reports = all.flatMap(({ federations = [] }) => federations);
  for (const { level } of federatedRoots(reports, now)) counts[level]++;
  for (const { authority, proxies } of all) {
    if (authority?.intermediate) add("agent", authority.intermediate);
    const rule = authority && !authority.intermediate ? "direct" : "leaf";
    const leaves = [...proxies.values()].flatMap(({ trust }) => trust?.leaf ?? []);
    for (const leaf of new Map(leaves.map((each) => [each.serialNumber, each])).values())
      add(rule, leaf);
  }
  const { warning, critical, expired } = counts;
  return { warning, critical, expired };
}
