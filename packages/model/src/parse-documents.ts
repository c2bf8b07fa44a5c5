/** Configuration objects out of the text of a file. */
import { originOf, objectKey } from "./object.ts";
import type { MeshObject } from "./object.ts";
import type { Diagnostic } from "./diagnostic.ts";
import { diagnosticOf, parseObject } from "./parse-object.ts";
import { readSource } from "./source.ts";
import type { SourceDocument, TextFinding } from "./source.ts";

export interface ParsedObject {
  readonly object: MeshObject;
  readonly source: ObjectSource;
}

export interface ObjectSource {
  readonly file: string;
  /** Where the object begins, counted from 1. */
  readonly line: number;
  /** Line of a JSON path inside the object, or of the nearest thing around it. */
  readonly lineOf: (path: string) => number;
}

/**
 * Every object of a text in YAML (several documents, lists unwrapped) or JSON, and what is wrong with it. Objects with
 * errors are left out; the others are there. Of two objects with one key the first is kept, and the second is an error.
 * `firstLine` is where the text begins in its file, for those that read a file in parts; `instead` what stands for an object with
 * errors.
 */
export function parseDocuments(
  text: string,
  {
    file,
    defaultNamespace = "default",
    firstLine = 1,
    instead,
  }: {
    file: string;
    defaultNamespace?: string;
    firstLine?: number;
    instead?: (value: unknown) => MeshObject | undefined;
  },
): { objects: ParsedObject[]; diagnostics: Diagnostic[] } {
  const { documents, findings } = readSource(text, firstLine);
  const diagnostics = findings.map((finding) => textDiagnostic(finding, file));
  const objects: ParsedObject[] = [];
  for (const { value, lineOf } of documents.flatMap((each) => unwrapList(each))) {
    const parsed = parseObject(value, { file, defaultNamespace, lineOf });
    diagnostics.push(...parsed.diagnostics);
    const object = parsed.object ?? instead?.(value);
    if (object) objects.push({ object, source: { file, line: lineOf(""), lineOf } });
  }
  const unique = withoutTwins(objects);
  return { objects: unique.objects, diagnostics: [...diagnostics, ...unique.diagnostics] };
}

/** What is wrong with a text that cannot be read. */
export function textDiagnostic({ line, ...finding }: TextFinding, file: string): Diagnostic {
  return diagnosticOf({ ...finding, path: "" }, file, { file, lineOf: () => line });
}

/** Of objects with one key the first, and an error for every other. Also for objects of several files. */
export function withoutTwins(objects: readonly ParsedObject[]): {
  objects: ParsedObject[];
  diagnostics: Diagnostic[];
} {
  const first = new Map<string, ParsedObject>();
  const diagnostics: Diagnostic[] = [];
  for (const parsed of objects) {
    const key = objectKey(parsed.object);
    const twin = first.get(key);
    if (!twin) {
      first.set(key, parsed);
      continue;
    }
    const { file, line } = twin.source;
    diagnostics.push({
      code: "HDL0018",
      level: "Error",
      message: `${originOf(parsed.object)} stands twice: also at ${file}:${line}`,
      origin: originOf(parsed.object),
      reference: `${parsed.source.file}:${parsed.source.line}`,
      path: "metadata.name",
      remedy: "Keep one of them.",
    });
  }
  return { objects: [...first.values()], diagnostics };
}

type Held = Pick<SourceDocument, "value" | "lineOf">;

/** `List`, and typed lists such as `VirtualServiceList`, as the objects that they hold. */
function unwrapList(document: Held): Held[] {
  const { value, lineOf } = document;
  if (typeof value !== "object" || value === null) return [document];
  const { kind, items } = value as { kind?: unknown; items?: unknown };
  if (typeof kind !== "string" || !kind.endsWith("List") || !Array.isArray(items))
    return [document];
  return items.flatMap((item: unknown, index) =>
    unwrapList({
      value: item,
      lineOf: (path) => lineOf(path === "" ? `items[${index}]` : `items[${index}].${path}`),
    }),
  );
}
