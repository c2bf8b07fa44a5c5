/** Parses Prometheus's text exposition format 0.0.4, leaving label sets as text until somebody asks for them. */

import { CodecError } from "../codec-error.ts";

export type FamilyType = "counter" | "gauge" | "histogram" | "summary" | "untyped";

export interface Sample {
  /** As written: a histogram's samples end with `_bucket`, `_sum` or `_count`. */
  name: string;
  /** What stands between the braces, without a comma at its end. */
  labels: string;
  value: number;
  /** Milliseconds since 1970, where the line has one. */
  timestamp?: number;
}

export interface Family {
  name: string;
  type: FamilyType;
  help: string;
  samples: Sample[];
}

const types = new Set(["counter", "gauge", "histogram", "summary", "untyped"]);

/**
 * Families in order of appearance; `keep` decides by a family's name which ones are read at all. A line that is not in the format throws
 * CodecError HDL5003 with its number.
 */
export function parsePrometheus(
  text: string,
  keep: (family: string) => boolean = () => true,
): Family[] {
  const families = new Map<string, Family>();
  let current: Family | undefined;
  let currentName = "";
  let line = 0;
  for (let start = 0; start < text.length;) {
    let end = text.indexOf("\n", start);
    if (end < 0) end = text.length;
    line++;
    const first = text.charCodeAt(start);
    if (first === 35 /* # */) {
      const header = /^# (HELP|TYPE) (\S+) ?(.*)$/.exec(text.slice(start, end));
      if (header) {
        const [, what, name, rest] = header as unknown as [string, string, string, string];
        currentName = name;
        current = keep(name) ? familyOf(families, name) : undefined;
        if (current && what === "HELP")
          current.help = rest.replace(/\\([\\n])/g, (_, code: string) =>
            code === "n" ? "\n" : "\\",
          );
        else if (current && types.has(rest.trim())) current.type = rest.trim() as FamilyType;
      }
    } else if (end > start && text.slice(start, end).trim() !== "") {
      const nameEnd = sampleNameEnd(text, start, end);
      const name = text.slice(start, nameEnd);
      if (!belongs(name, currentName, current)) {
        currentName = name;
        current = keep(name) ? familyOf(families, name) : undefined;
      }
      if (current) current.samples.push(parseSample(text, name, nameEnd, end, line));
    }
    start = end + 1;
  }
  return [...families.values()];
}

/** A label set's text as an object. Throws CodecError HDL5003. */
export function parseLabels(labels: string): Record<string, string> {
  const result: Record<string, string> = {};
  const pattern = /\s*([a-zA-Z_:][a-zA-Z0-9_:.]*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)/y;
  while (pattern.lastIndex < labels.length) {
    const at = pattern.lastIndex;
    const match = pattern.exec(labels);
    if (!match)
      throw new CodecError(
        "HDL5003",
        `"${labels.slice(at, at + 40)}" is no label`,
        `character ${at} of the labels`,
      );
    result[match[1]!] = unescape(match[2]!);
  }
  return result;
}

function unescape(value: string): string {
  return value.includes("\\")
    ? value.replace(/\\(.)/g, (_, code: string) => (code === "n" ? "\n" : code))
    : value;
}

function familyOf(families: Map<string, Family>, name: string): Family {
  let family = families.get(name);
  if (!family) families.set(name, (family = { name, type: "untyped", help: "", samples: [] }));
  return family;
}

function sampleNameEnd(text: string, start: number, end: number): number {
  let at = start;
  for (; at < end; at++) {
    const code = text.charCodeAt(at);
    if (code === 123 /* { */ || code === 32 || code === 9) break;
  }
  return at;
}

/** Whether a sample's name belongs to the family whose header came last. */
function belongs(name: string, family: string, current: Family | undefined): boolean {
  if (name === family) return true;
  if (family === "" || !name.startsWith(family)) return false;
  const rest = name.slice(family.length);
  if (rest !== "_bucket" && rest !== "_sum" && rest !== "_count") return false;
  return current === undefined || current.type === "histogram" || current.type === "summary";
}

function parseSample(
  text: string,
  name: string,
  nameEnd: number,
  end: number,
  line: number,
): Sample {
  let labels = "";
  let at = nameEnd;
  if (text.charCodeAt(at) === 123) {
    const close = closingBrace(text, at + 1, end);
    if (close < 0)
      throw new CodecError("HDL5003", `the labels of ${name} are not closed`, `line ${line}`);
    labels = text.slice(at + 1, close);
    if (labels.endsWith(",")) labels = labels.slice(0, -1);
    at = close + 1;
  }
  const [value, timestamp, ...more] = text
    .slice(at, end)
    .trim()
    .split(/[ \t]+/);
  const parsed = parseValue(value ?? "");
  if (name === "" || parsed === undefined || more.length > 0) {
    throw new CodecError(
      "HDL5003",
      `"${text.slice(nameEnd - name.length, Math.min(end, nameEnd + 80))}" is no sample`,
      `line ${line}`,
    );
  }
  return timestamp === undefined
    ? { name, labels, value: parsed }
    : { name, labels, value: parsed, timestamp: Number(timestamp) };
}

function closingBrace(text: string, from: number, end: number): number {
  let quoted = false;
  for (let at = from; at < end; at++) {
    const code = text.charCodeAt(at);
    if (code === 92 /* \ */ && quoted) at++;
    else if (code === 34 /* " */) quoted = !quoted;
    else if (code === 125 /* } */ && !quoted) return at;
  }
  return -1;
}

function parseValue(value: string): number | undefined {
  if (value === "+Inf") return Infinity;
  if (value === "-Inf") return -Infinity;
  if (value === "NaN") return NaN;
  const number = Number(value);
  return value === "" || Number.isNaN(number) ? undefined : number;
}
