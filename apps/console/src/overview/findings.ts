/** What is wrong in a mesh now, worst first, in sentences with the number behind each and the place to look. */
import type {
  AgentInfo,
  ProxyInfo,
  RevisionInfo,
  ServiceSummary,
  StoredObject,
} from "@heddle/client";
import { countText, durationText, percentText } from "../format/numbers.ts";
import {
  DEGRADED_ERRORS,
  FAILING_ERRORS,
  type Health,
  healthOf,
  healthRank,
} from "../health/health.ts";

export interface Finding {
  health: Health;
  title: string;
  detail: string;
  /** When it began, milliseconds since 1970, where that can be told. */
  since?: number;
  /** The revision that came just before it began. */
  after?: number;
  target:
    | { page: "service"; host: string }
    | { page: "services"; q: string }
    | { page: "object"; kind: string; ns: string; name: string }
    | { page: "proxies"; q: string }
    | { page: "agents" };
}

/** What is known of a mesh; a part that is still on its way is undefined and yields nothing. */
export interface MeshState {
  services?: readonly ServiceSummary[] | undefined;
  /** Start of the services' series and length of a step, milliseconds. */
  from?: number | undefined;
  stepMs?: number | undefined;
  revisions?: readonly RevisionInfo[] | undefined;
  objects?: readonly StoredObject[] | undefined;
  proxies?: readonly ProxyInfo[] | undefined;
  agents?: readonly AgentInfo[] | undefined;
}

/** A revision is named as what came before when a failure began within this time after it. */
const CAUSE_WINDOW_MS = 5 * 60_000;

export function findFindings(state: MeshState, now: number): Finding[] {
  const found = [
    ...(state.services ?? []).flatMap((service) => serviceFinding(service, state)),
    ...(state.objects ?? []).flatMap(objectFinding),
    ...proxyFindings(state.proxies ?? []),
    ...(state.agents ?? []).flatMap((agent) => agentFinding(agent, now)),
  ];
  return found.sort((one, other) => healthRank[one.health] - healthRank[other.health]);
}

/**
 * One sentence for all of it: `2 services failing since 14:32, both after revision 41`. `clock` writes an instant.
 */
export function headline(findings: readonly Finding[], clock: (time: number) => string): string {
  const failing = findings.filter(
    (finding) => finding.target.page === "service" && finding.health === "bad",
  );
  if (failing.length > 0) {
    const begun = failing.flatMap((finding) => finding.since ?? []);
    const since = begun.length === failing.length ? ` since ${clock(Math.min(...begun))}` : "";
    const causes = new Set(failing.map((finding) => finding.after));
    const cause = causes.size === 1 ? [...causes][0] : undefined;
    const after =
      cause === undefined
        ? ""
        : `, ${failing.length === 1 ? "" : failing.length === 2 ? "both " : "all "}after revision ${cause}`;
    return `${countText(failing.length, "service")} failing${since}${after}`;
  }
  const bad = findings.filter((finding) => finding.health === "bad");
  if (bad.length > 0)
    return `Traffic is healthy, but ${countText(bad.length, "thing")} ${bad.length === 1 ? "needs" : "need"} you`;
  const warned = findings.filter((finding) => finding.health === "warn");
  if (warned.length > 0)
    return `Nothing is failing; ${countText(warned.length, "thing")} to look at`;
  return "Everything is healthy";
}

function serviceFinding(service: ServiceSummary, state: MeshState): Finding[] {
  const health = healthOf(service.golden);
  if (health !== "bad" && health !== "warn") return [];
  const finding: Finding = {
    health,
    title: `${service.name} is ${health === "bad" ? "failing" : "degraded"}`,
    detail: `${percentText(service.golden.errorRate)} of requests fail in ${service.namespace}, p95 ${durationText(service.golden.p95)}`,
    target: { page: "service", host: service.host },
  };
  const since = failingSince(service, health === "bad" ? FAILING_ERRORS : DEGRADED_ERRORS, state);
  if (since === undefined) return [finding];
  finding.since = since;
  const after = revisionBefore(since, state.revisions ?? [], state.stepMs ?? 0);
  if (after !== undefined) finding.after = after;
  return [finding];
}

/** Start of the unbroken run of bad steps that reaches the present; undefined where it reaches back to the range's start or there is none. */
function failingSince(
  service: ServiceSummary,
  threshold: number,
  { from, stepMs }: MeshState,
): number | undefined {
  if (from === undefined || stepMs === undefined) return undefined;
  const { errorSeries, rateSeries } = service;
  let start: number | undefined;
  // The newest step is still filling and may be empty.
  for (let step = errorSeries.length - 1; step >= 0; step--) {
    const rate = rateSeries[step] ?? 0;
    const errors = errorSeries[step] ?? 0;
    if (rate > 0 && errors / rate >= threshold) start = step;
    else if (step < errorSeries.length - 1 || rate > 0) break;
  }
  return start === undefined || start === 0 ? undefined : from + start * stepMs;
}

/** The newest revision at most five minutes older than the instant, allowing for the width of a step. */
function revisionBefore(
  since: number,
  revisions: readonly RevisionInfo[],
  stepMs: number,
): number | undefined {
  const times = revisions
    .map(({ number, createdAt }) => ({ number, at: Date.parse(createdAt) }))
    .filter(({ at }) => at <= since + stepMs && at >= since - CAUSE_WINDOW_MS);
  return times.sort((one, other) => other.number - one.number)[0]?.number;
}

function objectFinding({ kind, metadata, diagnostics }: StoredObject): Finding[] {
  const error =
    diagnostics.find(({ level }) => level === "Error") ??
    diagnostics.find(({ level }) => level === "Warning");
  if (!error) return [];
  return [
    {
      health: error.level === "Error" ? "bad" : "warn",
      title: `${kind} ${metadata.namespace}/${metadata.name}: ${error.code}`,
      detail: error.message,
      target: { page: "object", kind, ns: metadata.namespace, name: metadata.name },
    },
  ];
}

function proxyFindings(proxies: readonly ProxyInfo[]): Finding[] {
  const rejected = proxies.filter(({ state }) => state === "rejected");
  const stale = proxies.filter(({ state }) => state === "stale");
  const findings: Finding[] = [];
  if (rejected.length > 0) {
    const reason = rejected.flatMap(({ types }) =>
      Object.values(types).flatMap(({ error }) => error ?? []),
    )[0];
    findings.push({
      health: "bad",
      title: `${countText(rejected.length, "proxy", "proxies")} refused configuration`,
      detail: reason ?? names(rejected),
      target: { page: "proxies", q: "state = refused" },
    });
  }
  if (stale.length > 0) {
    findings.push({
      health: "warn",
      title: `${countText(stale.length, "proxy", "proxies")} behind`,
      detail: `${names(stale)} ${stale.length === 1 ? "has" : "have"} not acknowledged the newest revision`,
      target: { page: "proxies", q: "state = stale" },
    });
  }
  return findings;
}

function agentFinding(agent: AgentInfo, now: number): Finding[] {
  if (agent.connected) return [];
  return [
    {
      health: "warn",
      title: `Agent ${agent.name} is away`,
      detail: `For ${durationText(now - Date.parse(agent.since))}. Its proxies keep their last configuration; new revisions wait.`,
      since: Date.parse(agent.since),
      target: { page: "agents" },
    },
  ];
}

function names(proxies: readonly ProxyInfo[]): string {
  const [first, second, ...rest] = proxies.map(({ name }) => name);
  return (
    [first, second].filter(Boolean).join(", ") + (rest.length > 0 ? ` and ${rest.length} more` : "")
  );
}
