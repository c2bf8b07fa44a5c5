/** Objects as YAML documents, and places in a document by path. */
import type { ApiDiagnostic, StoredObject } from "@heddle/client";
import { isMap, isNode, isScalar, LineCounter, parseAllDocuments, stringify } from "yaml";

/** Kinds that have no `spec` in Kubernetes: their other fields stand at the top. */
const flat = new Set(["Secret", "ConfigMap", "EndpointSlice", "ServiceAccount"]);

/** The object as a person edits it. */
export function objectDocument({
  apiVersion,
  kind,
  metadata,
  spec,
}: Pick<StoredObject, "apiVersion" | "kind" | "metadata" | "spec">): string {
  const { name, namespace, labels, annotations } = metadata;
  const shown = {
    name,
    ...(namespace === "" ? {} : { namespace }),
    ...(labels && Object.keys(labels).length > 0 ? { labels } : {}),
    ...(annotations && Object.keys(annotations).length > 0 ? { annotations } : {}),
  };
  const body = flat.has(kind) && spec !== null && typeof spec === "object" ? spec : { spec };
  return stringify({ apiVersion, kind, metadata: shown, ...body }, { lineWidth: 0 });
}

/** Kind, namespace and name of each document in a draft; what cannot be read yet is left out. */
export function objectsInDraft(
  text: string,
): { kind: string; namespace: string | undefined; name: string; spec: unknown }[] {
  return parseAllDocuments(text).flatMap((document) => {
    if (document.errors.length > 0) return [];
    const value = document.toJS() as {
      kind?: unknown;
      metadata?: { name?: unknown; namespace?: unknown };
      spec?: unknown;
    } | null;
    const name = value?.metadata?.name;
    if (typeof value?.kind !== "string" || typeof name !== "string") return [];
    const namespace = value.metadata?.namespace;
    return [
      {
        kind: value.kind,
        namespace: typeof namespace === "string" ? namespace : undefined,
        name,
        spec: value.spec,
      },
    ];
  });
}

export interface TextRange {
  from: number;
  to: number;
}

/**
 * Where in the draft a diagnostic belongs: the value at its path, else its line, else the first line. `file` is the name under which the
 * draft was analysed. Undefined for one about another object.
 */
export function diagnosticRange(
  text: string,
  diagnostic: ApiDiagnostic,
  file: string,
): TextRange | undefined {
  const counter = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: counter });
  const written = /^(.*):(\d+)$/.exec(diagnostic.reference ?? "");
  const inFile = written?.[1] === file;
  if (!inFile && !objectsInDraft(text).some((object) => sameOrigin(diagnostic.origin, object)))
    return undefined;
  const line = inFile ? Number(written[2]) : undefined;
  const document =
    documents.length === 1
      ? documents[0]
      : documents.find(
          (each) =>
            line !== undefined &&
            each.range &&
            lineAt(text, each.range[0]) <= line &&
            line <= lineAt(text, each.range[2]),
        );
  const { path, code } = diagnostic;
  const atPath = path === undefined ? undefined : rangeAtPath(document, path, code);
  if (atPath) return firstLine(clamp(atPath, text), text);
  return lineRange(text, line ?? 1);
}

type Documents = ReturnType<typeof parseAllDocuments>;

/** A field that nobody knows: its name is what is wrong. */
const UNKNOWN_FIELD = "HDL0010";

/**
 * The deepest part of the path that the document has: a missing field is shown at its parent. A scalar is marked itself, of anything longer
 * or of an unknown field its key.
 */
function rangeAtPath(
  document: Documents[number] | undefined,
  path: string,
  code: string,
): TextRange | undefined {
  const keys = pathKeys(path);
  for (let length = keys.length; document && length > 0; length--) {
    const node = document.getIn(keys.slice(0, length), true);
    if (!isNode(node) || !node.range) continue;
    const parent =
      length === 1 ? document.contents : document.getIn(keys.slice(0, length - 1), true);
    const name = keys[length - 1];
    const key = isMap(parent)
      ? parent.items.find((pair) => isScalar(pair.key) && pair.key.value === name)?.key
      : undefined;
    const byValue = isScalar(node) && code !== UNKNOWN_FIELD;
    const [from, to] = byValue || !isScalar(key) || !key.range ? node.range : key.range;
    return { from, to };
  }
  return undefined;
}

/** `spec.http[0].route` as `["spec", "http", 0, "route"]`; quoted keys in brackets are text. */
export function pathKeys(path: string): (string | number)[] {
  return [...path.matchAll(/\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|([^.[\]]+)/g)].map(
    ([, quoted, index, name]) => (index === undefined ? (quoted ?? name ?? "") : Number(index)),
  );
}

function sameOrigin(
  origin: string,
  { kind, namespace, name }: { kind: string; namespace: string | undefined; name: string },
): boolean {
  return origin === `${kind} ${namespace ?? "default"}/${name}` || origin === `${kind} ${name}`;
}

function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length;
}

function lineRange(text: string, line: number): TextRange {
  const lines = text.split("\n");
  const at = Math.min(Math.max(line, 1), lines.length) - 1;
  const from = lines.slice(0, at).reduce((sum, each) => sum + each.length + 1, 0);
  const indent = /^\s*/.exec(lines[at]!)![0].length;
  return clamp(
    { from: from + Math.min(indent, lines[at]!.length), to: from + lines[at]!.length },
    text,
  );
}

/** A value of many lines is marked at its first, or a whole route would be underlined. */
function firstLine({ from, to }: TextRange, text: string): TextRange {
  const end = text.indexOf("\n", from);
  return { from, to: end < 0 ? to : Math.min(to, end) };
}

function clamp({ from, to }: TextRange, text: string): TextRange {
  const start = Math.min(from, text.length);
  return { from: start, to: Math.min(Math.max(to, start), text.length) };
}
