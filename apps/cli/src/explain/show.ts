/** What decides over a request, for people. */
import type { AccessAnswer, LogLine, Refusal } from "@heddle/client";
import {
  type AccessExplanation,
  type AccessOutcome,
  type AccessRule,
  type AccessStep,
  type AccessTerm,
  parseObjectKey,
  type WorkloadAccessQuestion,
} from "@heddle/model";
import { bold, dim, green, red, yellow } from "../output/print.ts";

export interface Explained {
  /** The request of the past that was asked about. */
  readonly line?: LogLine | undefined;
  /** What its log line says. */
  readonly recorded?: Refusal | undefined;
  readonly question: WorkloadAccessQuestion;
  readonly answer: AccessAnswer;
}

export function show({ line, recorded, question, answer }: Explained): void {
  const { explanation, proxy, sources } = answer;
  if (!explanation) return;
  const lines = [
    `${bold(requestText(question, explanation))}${proxy ? dim(`  at ${proxy}`) : ""}`,
    ...(line ? [`  ${pastText(line, recorded)}`] : []),
    ...explanation.steps.flatMap((step, index) =>
      stepLines(step, sources, index === explanation.decidedBy),
    ),
    `${line ? "Now it" : "It"} ${VERDICTS[explanation.outcome]}.`,
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
}

const VERDICTS: Readonly<Record<AccessOutcome, string>> = {
  passes: green("would be let in"),
  refused: red("would be refused"),
  depends: yellow("may be let in or not"),
};

function requestText(question: WorkloadAccessQuestion, { layer, port }: AccessExplanation): string {
  const { method, path, host, principal, namespace, workload } = question;
  const what =
    layer === "tcp" ? "A connection" : `${method ?? "?"} ${path ?? "?"}${host ? ` (${host})` : ""}`;
  const who =
    principal === undefined ? "a caller that is not known" : (principal ?? "a caller in plaintext");
  return `${what} from ${who} to ${namespace}/${workload}:${port}`;
}

function pastText({ time, status }: LogLine, recorded: Refusal | undefined): string {
  const when = dim(time);
  if (!recorded) return `${when} let in${status ? `, answered ${status}` : ""}`;
  const { by, objects, rule, decision } = recorded;
  const name = [by, objects.join(", "), rule === undefined ? "" : `rule ${rule}`].filter(Boolean);
  return `${when} ${red("refused")} by ${name.join(" ")}: ${decision}`;
}

const MARKS: Readonly<Record<AccessOutcome, string>> = {
  passes: green("✔"),
  refused: red("✘"),
  depends: yellow("?"),
};

function stepLines(step: AccessStep, sources: AccessAnswer["sources"], decides: boolean): string[] {
  const { check, outcome, dryRun, reason, objects, rules = [], remedy } = step;
  const tried = dryRun ? dim(" (tried out)") : "";
  const told = outcome === "passes" ? [] : rules.filter(({ matches }) => matches !== "yes");
  return [
    `  ${dryRun ? dim("·") : MARKS[outcome]} ${check}${tried}: ${reason}`,
    ...objects.map((key) => dim(`      ${nameOf(key)}${sources[key] ? ` (${sources[key]})` : ""}`)),
    ...told.flatMap(ruleLines),
    ...(remedy && (decides || outcome === "refused") ? [dim(`      → ${remedy}`)] : []),
  ];
}

/** `Kind namespace/name` of a key. */
function nameOf(key: string): string {
  const { kind = key, namespace = "", name = "" } = parseObjectKey(key) ?? {};
  return `${kind} ${[namespace, name].filter(Boolean).join("/")}`;
}

function ruleLines({ policy, rule, matches, missing, unjudged }: AccessRule): string[] {
  const open = matches === "unknown" ? " may match" : " does not match";
  const out =
    unjudged.length > 0 && missing.length === 0
      ? [`        ${unjudged.join(", ")}: connections have nothing of the kind`]
      : [];
  return [`      rule ${rule} of ${policy}${open}`, ...out, ...missing.map(termLine)];
}

function termLine({ field, wants, not, has }: AccessTerm): string {
  const want = [
    ...(wants.length > 0 ? [`wants ${wants.join(" or ")}`] : []),
    ...(not.length > 0 ? [`wants none of ${not.join(", ")}`] : []),
  ].join(" and ");
  const is =
    has === null
      ? "what the request has is not known"
      : `the request has ${has.length > 0 ? has.join(", ") : "nothing"}`;
  return `        ${field}: ${want}; ${is}`;
}
