/** The plans of namespaces, for people. */
import type { PlaintextCaller } from "@heddle/client";
import { age, bold, dim, green, red, table, yellow } from "../output/print.ts";
import type { NamespacePlan, Standing } from "./plan.ts";

const COLOR: Readonly<Record<Standing, (text: string) => string>> = {
  strict: green,
  ready: green,
  unseen: yellow,
  blocked: red,
  unknown: yellow,
};
/** More callers of one namespace are counted, not named. */
const MOST_CALLERS = 10;

export function showStatus(plans: readonly NamespacePlan[]): void {
  const rows = plans
    .toSorted((a, b) => (a.namespace < b.namespace ? -1 : 1))
    .map(({ namespace, standing, workloads, requests, plaintext, callers }) => [
      namespace,
      modesOf(workloads),
      String(workloads.length),
      count(requests),
      plaintext > 0 ? yellow(`${count(plaintext)} (${share(plaintext / requests)})`) : "0",
      [...new Set(callers.map(nameOf))].slice(0, 3).join(", "),
      COLOR[standing](standing),
    ]);
  const headers = ["NAMESPACE", "TAKES", "WORKLOADS", "REQUESTS", "PLAINTEXT", "FROM", "STANDING"];
  process.stdout.write(`${table(headers, rows)}\n`);
}

/** `window` is how long was looked back, in words. */
export function showPlan(plans: readonly NamespacePlan[], window: string): void {
  const lines = plans.map((plan, index) => {
    const head = `${String(index + 1).padStart(3)}. ${bold(plan.namespace)}  ${COLOR[plan.standing](plan.standing)}`;
    return [`${head}: ${reasonOf(plan, window)}`, ...callerLines(plan.callers)].join("\n");
  });
  process.stdout.write(`${lines.join("\n")}\n`);
}

export function reasonOf({ standing, requests }: NamespacePlan, window: string): string {
  switch (standing) {
    case "strict":
      return "takes mutual TLS alone already";
    case "ready":
      return `all ${count(requests)} requests of the last ${window} came over mutual TLS`;
    case "unseen":
      return `nothing was called there in the last ${window}, so nobody knows who would be shut out`;
    case "blocked":
      return "these came in plaintext, and would be shut out";
    case "unknown":
      return "no agent says what its workloads take";
  }
}

export function callerLines(callers: readonly PlaintextCaller[]): string[] {
  const lines = callers.slice(0, MOST_CALLERS).map((caller) => {
    const { destination, requests, lastSeen } = caller;
    const ago = age(Date.now() - Date.parse(lastSeen));
    return `       ${nameOf(caller)} → ${destination.namespace}/${destination.name}: ${count(requests)} ${requests === 1 ? "request" : "requests"}, the last ${ago} ago`;
  });
  const more = callers.length - lines.length;
  return more > 0 ? [...lines, dim(`       and ${more} more`)] : lines;
}

function nameOf({ source, address }: PlaintextCaller): string {
  if (source) return `${source.namespace}/${source.name}`;
  return address || "somebody (no access log says who)";
}

function modesOf(workloads: NamespacePlan["workloads"]): string {
  const modes = new Set(workloads.map(({ mode }) => mode ?? "?"));
  return [...modes].toSorted().join(", ");
}

const count = (value: number) => Math.round(value).toLocaleString("en-US");
const share = (value: number) => `${(value * 100).toFixed(value < 0.1 ? 1 : 0)} %`;
