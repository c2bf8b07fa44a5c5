/** The status of Istio's kinds and our own: what is wrong with an object, as Istio writes it there. */
import type { Diagnostic, Fields } from "@heddle/model";
import { mergeConditions, type Stamp } from "./conditions.ts";

/** Istio's messages have codes without texts; so the texts stand in a condition of our own. */
const VALID = "heddle.dev/Valid";
/** Characters of the condition's message. */
const MAX_MESSAGE = 4_096;

const LEVELS = { Error: "ERROR", Warning: "WARNING", Info: "INFO" } as const;

/** An object that nothing was ever wrong with gets no status. */
export function mergeValidation(
  before: Fields,
  found: readonly Diagnostic[],
  stamp: Stamp,
): Fields {
  if (found.length === 0 && before["validationMessages"] === undefined) return before;
  const conditions = mergeConditions(
    before["conditions"],
    [
      {
        type: VALID,
        status: found.some(({ level }) => level === "Error") ? "False" : "True",
        reason: found[0]?.code ?? "Valid",
        message: textOf(found),
      },
    ],
    () => false,
    stamp,
  );
  return {
    ...before,
    // A condition of Istio's kinds has no generation of its own: the status has one.
    conditions: conditions.map(({ observedGeneration: _, ...condition }) => condition),
    observedGeneration: stamp.generation,
    validationMessages: messagesOf(found),
  };
}

function messagesOf(found: readonly Diagnostic[]): Fields[] {
  const messages = new Map<string, Fields>();
  for (const { code, level } of found)
    messages.set(code, {
      type: { code, name: code },
      level: LEVELS[level],
      ...(code.startsWith("IST") ? { documentationUrl: pageOf(code) } : {}),
    });
  return [...messages.values()];
}

function pageOf(code: string): string {
  return `https://istio.io/latest/docs/reference/config/analysis/${code.toLowerCase()}/`;
}

function textOf(found: readonly Diagnostic[]): string {
  const text = found.map(({ code, message }) => `${code}: ${message}`).join("; ");
  return text.length > MAX_MESSAGE ? `${text.slice(0, MAX_MESSAGE - 1)}…` : text;
}
