/** When a service, an edge or a mesh counts as healthy: the thresholds, and words for them. */
import type { Convergence, Golden, ProxyInfo } from "@heddle/client";

export type Health = "ok" | "warn" | "bad" | "idle" | "info";

/** Share of failed requests from which something is degraded, and from which it is failing. */
export const DEGRADED_ERRORS = 0.01;
export const FAILING_ERRORS = 0.05;

/** Health by the share of failed requests; without requests there is nothing to judge. */
export function healthOf(golden: Pick<Golden, "requests" | "rate" | "errorRate">): Health {
  if (golden.requests === 0 && golden.rate === 0) return "idle";
  if (golden.errorRate >= FAILING_ERRORS) return "bad";
  return golden.errorRate >= DEGRADED_ERRORS ? "warn" : "ok";
}

export const healthWord: Record<Health, string> = {
  ok: "healthy",
  warn: "degraded",
  bad: "failing",
  idle: "no traffic",
  info: "note",
};

/** For sorting: the worst comes first. */
export const healthRank: Record<Health, number> = { bad: 0, warn: 1, info: 2, ok: 3, idle: 4 };

/** The worst of several; of none, idle. */
export function worst(healths: Iterable<Health>): Health {
  let found: Health = "idle";
  for (const health of healths) if (healthRank[health] < healthRank[found]) found = health;
  return found;
}

/** How far a revision has come, as a status and a word. */
export function convergenceHealth({ state }: Convergence): { health: Health; word: string } {
  switch (state) {
    case "applied":
      return { health: "ok", word: "applied" };
    case "pending":
      return { health: "info", word: "on its way" };
    case "stale":
      return { health: "warn", word: "held up" };
    case "no-agents":
      return { health: "idle", word: "no agent" };
  }
}

/** A proxy's state of synchronisation, as a status and a word. */
export function proxyHealth(state: ProxyInfo["state"]): { health: Health; word: string } {
  switch (state) {
    case "synced":
      return { health: "ok", word: "in step" };
    case "pending":
      return { health: "info", word: "on its way" };
    case "stale":
      return { health: "warn", word: "stale" };
    case "rejected":
      return { health: "bad", word: "refused" };
  }
}
