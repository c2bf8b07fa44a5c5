/** How a certificate stands, as a status and a word, and how long it has left. */
import type { CertificateInfo } from "@heddle/client";
import type { Health } from "../health/health.ts";

export const levels: Readonly<
  Record<CertificateInfo["level"], { readonly health: Health; readonly word: string }>
> = {
  ok: { health: "ok", word: "in time" },
  warning: { health: "warn", word: "renewal is late" },
  critical: { health: "bad", word: "ends soon" },
  expired: { health: "bad", word: "has ended" },
};

/** For sorting: the worst first. */
export const levelRank: Readonly<Record<CertificateInfo["level"], number>> = {
  expired: 0,
  critical: 1,
  warning: 2,
  ok: 3,
};

export const kindWords: Readonly<Record<CertificateInfo["kind"], string>> = {
  root: "root",
  intermediate: "intermediate",
  agent: "agent's",
  leaf: "workload's",
  federated: "other trust domain's",
};

const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
] as const;

/** In the largest unit of which there are two at least: `3 d`, `23 h`, `40 min`. */
export function leftText(notAfter: string, now: number): string {
  const left = Date.parse(notAfter) - now;
  if (left <= 0) return "over";
  const [unit, length] = UNITS.find(([, each]) => left >= 2 * each) ?? ["min", 60_000];
  return `${Math.max(1, Math.floor(left / length))} ${unit}`;
}
