/** Text in YAML or JSON as values, with the lines that they came from. */
import { LineCounter, isAlias, isMap, isPair, isScalar, isSeq, parseAllDocuments } from "yaml";
import type { Document, Node, YAMLMap } from "yaml";
import type { Finding } from "./validate/report.ts";
import { pathSteps } from "./validate/report.ts";

/** Larger documents are refused unread. */
export const MAX_DOCUMENT_BYTES = 10 * 1024 * 1024;
/** How many nodes aliases may stand for, as the YAML library counts them. */
const MAX_ALIASES = 100;
/** Deeper than any object of Kubernetes or Istio. */
export const MAX_DEPTH = 100;

export interface SourceDocument {
  readonly value: unknown;
  /** As it is written, for whoever changes a part of it. */
  readonly document: Document;
  /** Line of a JSON path, or of the nearest thing around it; counted from 1. */
  readonly lineOf: (path: string) => number;
}

/** A finding of the text itself, which has a line and a column but no path. */
export interface TextFinding extends Omit<Finding, "path"> {
  readonly line: number;
}

export interface Source {
  readonly documents: SourceDocument[];
  /** Documents without a value, such as a comment alone. */
  readonly empty: Document[];
  readonly findings: TextFinding[];
}

/**
 * Every document of a text. One that cannot be read gives a finding and no value; the others are read all the same.
 * JSON is read as the YAML that it is. `firstLine` is where the text begins in its file.
 */
export function readSource(text: string, firstLine = 1): Source {
  const bytes =
    text.length > MAX_DOCUMENT_BYTES ? text.length : new TextEncoder().encode(text).length;
  if (bytes > MAX_DOCUMENT_BYTES) {
    const message = `the text has ${bytes} bytes (${MAX_DOCUMENT_BYTES} at most)`;
    return { documents: [], empty: [], findings: [{ code: "HDL0001", line: firstLine, message }] };
  }
  const lines = new LineCounter();
  const { linePos } = lines;
  lines.linePos = (offset) => {
    const { line, col } = linePos(offset);
    return { line: line + firstLine - 1, col };
  };
  const documents: SourceDocument[] = [];
  const empty: Document[] = [];
  const findings: TextFinding[] = [];
  // The library compares every pair of keys to find equal ones; ours is linear.
  const options = {
    lineCounter: lines,
    merge: true,
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: "error" as const,
  };
  for (const document of parseAllDocuments(text, options)) {
    const finding = documentError(document, lines) ?? structureError(document, lines);
    if (finding) {
      findings.push(finding);
      continue;
    }
    try {
      const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
      if (value === null || value === undefined) empty.push(document);
      else documents.push({ value, document, lineOf: lineFinder(document, lines) });
    } catch (error) {
      findings.push({ ...expansion(error), line: lineAt(document.range[0], lines) });
    }
  }
  return { documents, empty, findings };
}

function documentError(document: Document, lines: LineCounter): TextFinding | undefined {
  const error = document.errors[0];
  if (!error) return undefined;
  const { line, col } = lines.linePos(error.pos[0]);
  if (error.code === "RESOURCE_EXHAUSTION") return { ...expansion(error), line };
  return {
    code: "HDL0002",
    line,
    message: `line ${line}, column ${col}: ${error.message.split("\n")[0]!.replace(/:$/, "")}`,
  };
}

function expansion(error: unknown): Omit<TextFinding, "line"> {
  const reason = error instanceof Error ? error.message : String(error);
  if (reason.startsWith("Unresolved alias")) return { code: "HDL0002", message: reason };
  return { code: "HDL0004", message: `the document expands too far: ${reason}` };
}

/** The first key that is no text or stands twice in one mapping, or nesting that is too deep to go on. */
function structureError(document: Document, lines: LineCounter): TextFinding | undefined {
  const open: { node: unknown; depth: number }[] = [{ node: document.contents, depth: 0 }];
  for (let next = open.pop(); next; next = open.pop()) {
    const { node, depth } = next;
    if (depth > MAX_DEPTH) {
      const message = `the document is nested too deeply (${MAX_DEPTH} levels at most)`;
      return { code: "HDL0004", line: lineOfNode(node, lines) ?? 1, message };
    }
    if (isMap(node)) {
      const seen = new Set<unknown>();
      for (const { key, value } of node.items) {
        if (!isScalar(key)) {
          const line = lineOfNode(key, lines) ?? 1;
          return { code: "HDL0002", line, message: "a key is not a text" };
        }
        const name = String(key.value);
        if (name !== "<<" && seen.has(name)) {
          const line = lineOfNode(key, lines) ?? 1;
          return { code: "HDL0003", line, message: `key "${name}" stands twice in one mapping` };
        }
        seen.add(name);
        open.push({ node: value, depth: depth + 1 });
      }
    } else if (isSeq(node)) {
      for (const item of node.items) open.push({ node: item, depth: depth + 1 });
    }
  }
  return undefined;
}

function lineFinder(document: Document, lines: LineCounter): (path: string) => number {
  return (path) => {
    let node: unknown = document.contents;
    let line = lineOfNode(node, lines) ?? 1;
    for (const step of pathSteps(path)) {
      if (isAlias(node)) node = node.resolve(document);
      const found = isMap(node)
        ? entry(node, step)
        : isSeq(node)
          ? item(node.items, step)
          : undefined;
      if (!found) break;
      line = lineOfNode(found.at, lines) ?? line;
      node = found.value;
    }
    return line;
  };
}

function entry(map: YAMLMap, name: string | number): { at: unknown; value: unknown } | undefined {
  const pair = map.items.find(({ key }) => isScalar(key) && String(key.value) === String(name));
  return pair && isPair(pair) ? { at: pair.key, value: pair.value } : undefined;
}

function item(items: readonly unknown[], index: number | string) {
  const value = typeof index === "number" ? items[index] : undefined;
  return value === undefined ? undefined : { at: value, value };
}

function lineOfNode(node: unknown, lines: LineCounter): number | undefined {
  const range = (node as Node | null | undefined)?.range;
  return range ? lineAt(range[0], lines) : undefined;
}

function lineAt(offset: number, lines: LineCounter): number {
  return Math.max(1, lines.linePos(offset).line);
}

/** Values of every document that can be read: for tools that do not want objects. */
export function readValues(text: string): unknown[] {
  return readSource(text).documents.map(({ value }) => value);
}
