/** Rules on whole records: every text and every attribute of them, those of what they share as well. */
import type { RedactedSignal } from "@heddle/model";
import type { Attributes, LogRecord, SpanRecord } from "../records.ts";
import { setAttribute } from "../otlp/attributes.ts";
import { applyRule, type CompiledRule } from "./rule.ts";

/** What was done, told while it is done. No value goes here. */
export interface RedactionTally {
  redacted(label: string, values: number): void;
  /** A text was taken away in part without being read: it was too long, or time was over. */
  unread(label: string): void;
}

export interface RedactionRun {
  readonly tally: RedactionTally;
  /** Whether no more time is to be spent on expressions. */
  readonly late: () => boolean;
}

/** Changes the records; of a resource that they share each set of rules has a copy of its own. `rulesOf` gives the same array for the same rules. */
export function redactLogs(
  records: readonly LogRecord[],
  rulesOf: (record: LogRecord) => readonly CompiledRule[],
  run: RedactionRun,
): void {
  const resources = createResources(run);
  for (const record of records) {
    const rules = ofSignal(rulesOf(record), "LOGS");
    const text = texts(rules, run);
    record.body = text(record.body);
    record.severity = text(record.severity);
    redactAttributes(record.attributes, rules, run);
    record.resource = resources(record.resource, rules);
  }
}

export function redactTraces(
  spans: readonly SpanRecord[],
  rulesOf: (span: SpanRecord) => readonly CompiledRule[],
  run: RedactionRun,
): void {
  const resources = createResources(run);
  for (const span of spans) {
    const rules = ofSignal(rulesOf(span), "TRACES");
    const text = texts(rules, run);
    span.operation = text(span.operation);
    span.statusMessage = text(span.statusMessage);
    redactAttributes(span.attributes, rules, run);
    for (const event of span.events) {
      event.name = text(event.name);
      redactAttributes(event.attributes, rules, run);
    }
    for (const link of span.links) redactAttributes(link.attributes, rules, run);
    span.resource = resources(span.resource, rules);
  }
}

const bySignal = new WeakMap<
  readonly CompiledRule[],
  Map<RedactedSignal, readonly CompiledRule[]>
>();

function ofSignal(rules: readonly CompiledRule[], signal: RedactedSignal): readonly CompiledRule[] {
  let known = bySignal.get(rules);
  if (!known) bySignal.set(rules, (known = new Map()));
  let own = known.get(signal);
  if (!own) known.set(signal, (own = rules.filter(({ signals }) => signals.has(signal))));
  return own;
}

function texts(rules: readonly CompiledRule[], run: RedactionRun) {
  return (text: string): string => applyAll(rules, text, undefined, run).text;
}

/** A number or truth is what its text is, until something is found in it. */
function redactAttributes(
  attributes: Attributes,
  rules: readonly CompiledRule[],
  run: RedactionRun,
): void {
  for (const name of Object.keys(attributes)) {
    const before = String(attributes[name]);
    const { text, dropped } = applyAll(rules, before, name, run);
    if (dropped) delete attributes[name];
    else if (text !== before) setAttribute(attributes, name, text);
  }
}

/** What is found next to a mask may not have been found next to what it stands for; more rounds than anything has needed. */
const MAX_ROUNDS = 8;

function applyAll(
  rules: readonly CompiledRule[],
  text: string,
  attribute: string | undefined,
  { tally, late }: RedactionRun,
): { text: string; dropped: boolean } {
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const before = text;
    for (const rule of rules) {
      if (round > 0 && !rule.repeats) continue;
      const applied = applyRule(rule, text, attribute, late);
      if (!applied.read) tally.unread(rule.label);
      const named = attribute !== undefined && rule.form.drops;
      const dropped = named && (applied.count > 0 || rule.takes(attribute));
      if (applied.count > 0 || dropped) tally.redacted(rule.label, Math.max(1, applied.count));
      if (dropped) return { text: "", dropped };
      ({ text } = applied);
    }
    if (text === before) break;
  }
  return { text, dropped: false };
}

function createResources(run: RedactionRun) {
  const known = new Map<readonly CompiledRule[], Map<Attributes, Attributes>>();
  return (resource: Attributes, rules: readonly CompiledRule[]): Attributes => {
    let made = known.get(rules);
    if (!made) known.set(rules, (made = new Map<Attributes, Attributes>()));
    let own = made.get(resource);
    if (!own) {
      own = copyOf(resource);
      redactAttributes(own, rules, run);
      made.set(resource, own);
    }
    return own;
  };
}

function copyOf(attributes: Attributes): Attributes {
  const copy: Attributes = {};
  for (const name of Object.keys(attributes)) setAttribute(copy, name, attributes[name]!);
  return copy;
}
