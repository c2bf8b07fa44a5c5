/** Tells of certificates that nobody renews, long before they end. While the plane is away nobody else can. */
import { EXPIRY_ORDER, type ExpiryLevel } from "@heddle/pki";
import type { AgentCode } from "../agent-error.ts";
import type { AgentLog } from "../log.ts";
import { WATCHED_KINDS, type WatchedCertificate, type WatchedKind } from "./expiries.ts";

export interface ExpiryAlert {
  readonly code: Extract<AgentCode, "HDL9110" | "HDL9111" | "HDL9112">;
  readonly kind: WatchedKind;
  readonly level: Exclude<ExpiryLevel, "ok"> | "missing";
  readonly message: string;
}

export interface ExpiryWatch {
  /** What is to be told now; none while all is well. */
  alerts(): readonly ExpiryAlert[];
  close(): void;
}

export interface ExpiryWatchParts {
  readonly certificates: () => readonly WatchedCertificate[];
  /** Workloads that a certificate was asked for in vain, and that have none. */
  readonly missing: () => number;
  /** Of workloads' certificates, milliseconds. */
  readonly lifetime: number;
  readonly log: AgentLog;
}

/** So often in a lifetime it is looked, within these milliseconds. */
const LOOKS = 100;
const EVERY = { least: 100, most: 60_000 };

const NAMES: Readonly<Record<WatchedKind, string>> = {
  leaf: "Certificates of workloads",
  agent: "Intermediates of the agent",
  root: "Trusted roots",
};

/** Each alert goes to the log when it is new, or has got worse. */
export function watchExpiry({
  certificates,
  missing,
  lifetime,
  log,
}: ExpiryWatchParts): ExpiryWatch {
  const current = () => alertsOf(certificates(), missing());
  let told: ReadonlySet<string> = new Set();
  const look = () => {
    const alerts = current();
    for (const alert of alerts) {
      if (told.has(subjectOf(alert))) continue;
      const isSerious = alert.level === "critical" || alert.level === "expired";
      log[isSerious ? "error" : "warn"](`${alert.code}: ${alert.message}`, { level: alert.level });
    }
    if (alerts.length === 0 && told.size > 0) log.info("all certificates are renewed again");
    told = new Set(alerts.map(subjectOf));
  };
  const every = Math.min(Math.max(lifetime / LOOKS, EVERY.least), EVERY.most);
  const timer = setInterval(look, every);
  timer.unref();
  return {
    alerts: current,
    close: () => clearInterval(timer),
  };
}

/** More of the same is no news. */
const subjectOf = ({ code, kind, level }: ExpiryAlert) => [code, kind, level].join(" ");

function alertsOf(all: readonly WatchedCertificate[], missing: number): ExpiryAlert[] {
  const alerts = WATCHED_KINDS.flatMap((kind) => alertOf(all, kind) ?? []);
  if (missing === 0) return alerts;
  const message = `Workloads have no certificate here, since none can be got: ${missing}.`;
  return [...alerts, { code: "HDL9112", kind: "leaf", level: "missing", message }];
}

/** As the worst of a kind is. */
function alertOf(all: readonly WatchedCertificate[], kind: WatchedKind): ExpiryAlert | undefined {
  const late = all.filter((each) => each.kind === kind && each.level !== "ok");
  const level = EXPIRY_ORDER.findLast((each) => late.some((one) => one.level === each));
  if (level === undefined || level === "ok") return undefined;
  const ends = new Date(Math.min(...late.map(({ notAfter }) => notAfter))).toISOString();
  if (level !== "expired")
    return {
      ...{ code: "HDL9110", kind, level },
      message: `${NAMES[kind]} are not renewed: ${late.length}. The first ends at ${ends}.`,
    };
  const ended = late.filter((each) => each.level === level).length;
  return {
    ...{ code: "HDL9111", kind, level },
    message: `${NAMES[kind]} have ended: ${ended}. The first did at ${ends}.`,
  };
}
