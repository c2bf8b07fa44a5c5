/** Takes out of logs and spans what is not to leave the cluster, before anything of them is written or sent. */
import { createHmac } from "node:crypto";
import {
  createRedactor,
  type LogRecord,
  type OtlpSignal,
  type RedactionTally,
  type Redactor,
  type Sender,
  type SpanRecord,
} from "@heddle/telemetry";
import type { OwnCounters } from "./own-counters.ts";
import type { Log, RedactionSettings } from "./telemetry-options.ts";

export interface Redaction {
  /** False until it is known what to take out: nothing may pass before. */
  isKnown(): boolean;
  /** What is to be done with a request's records; undefined where nothing in its bytes could be taken out. */
  of(signal: OtlpSignal, request: Buffer, sender: Sender | undefined): Redacts | undefined;
}

/** Both change the records. */
export interface Redacts {
  logs(records: readonly LogRecord[]): void;
  traces(spans: readonly SpanRecord[]): void;
}

/** `settings` is asked with each request, and gives the same object as long as the rules are the same. */
export function createRedaction(
  settings: () => RedactionSettings | undefined,
  counters: OwnCounters,
  log: Log,
): Redaction {
  let known: RedactionSettings | undefined;
  let redactor: Redactor | undefined;

  return {
    isKnown: () => current() !== undefined,
    of(signal, request, sender) {
      // What metrics say are labels of a few values each, and numbers.
      if (signal === "metrics") return undefined;
      const rules = current();
      if (!rules) throw new Error("records came before it was known what to redact");
      if (!rules.concerns(request.toString("latin1"))) return undefined;
      const tally = tallyOf(signal);
      return {
        logs: (records) => rules.logs(records, sender, tally),
        traces: (spans) => rules.traces(spans, sender, tally),
      };
    },
  };

  function current(): Redactor | undefined {
    const wanted = settings();
    if (wanted === known) return redactor;
    known = wanted;
    redactor = wanted && redactorOf(wanted);
    for (const { label, why } of redactor?.broken ?? [])
      log(
        "error",
        "HDL7321: a rule of a Redaction cannot be used; all of its places is taken out",
        {
          rule: label,
          why,
        },
      );
    return redactor;
  }

  function tallyOf(signal: OtlpSignal): RedactionTally {
    return {
      redacted: (rule, values) =>
        counters.add("heddle_telemetry_redacted_values_total", { signal, rule }, values),
      unread: (rule) => counters.add("heddle_telemetry_redaction_unread_total", { signal, rule }),
    };
  }
}

function redactorOf({ policy, key }: RedactionSettings): Redactor {
  const hash = (value: string) =>
    createHmac("sha256", key).update(value).digest("hex").slice(0, 16);
  return createRedactor(policy, { hash, now: () => performance.now() });
}
