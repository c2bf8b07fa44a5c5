/** From what a request holds to objects with keys: parsing, and what the plane itself refuses whatever the mesh. */
import { objectHash } from "@heddle/sync";
import {
  objectKey,
  originOf,
  parseDocuments,
  parseObject,
  toDocument,
  type Diagnostic,
  type MeshObject,
  type ParsedObject,
} from "@heddle/model";
import type { ApplyRequest } from "@heddle/client";
import { problem } from "../http/problem.ts";
import { checkLength, createTurns, partsOf } from "./document-parts.ts";
import type { Document, MeshState } from "./state.ts";

export interface Admitted {
  readonly objects: ReadonlyMap<string, ParsedObject>;
  readonly diagnostics: readonly Diagnostic[];
}

/** Objects in one request: parsing more would hold up everybody else for seconds. */
const MOST_OBJECTS = 10_000;

/** HDL1046 where there are more, by the separators of YAML, before anything is parsed. */
function checkCount({ files = [], objects = [] }: Pick<ApplyRequest, "files" | "objects">): void {
  let count = objects.length;
  for (const { content } of files) count += content.match(/^---/gm)?.length ?? 0;
  if (count > MOST_OBJECTS)
    throw problem("HDL1046", `The request has ${count} documents; ${MOST_OBJECTS} are the most.`);
}

/** Objects of a request by key; whatever cannot be one is a diagnostic of level Error. */
export async function admit(
  request: Pick<ApplyRequest, "files" | "objects" | "namespace">,
): Promise<Admitted> {
  checkCount(request);
  const turn = createTurns();
  const defaultNamespace = request.namespace ?? "default";
  const diagnostics: Diagnostic[] = [];
  const parsed: ParsedObject[] = [];
  for (const { name, content } of request.files ?? []) {
    for (const { text, line: firstLine } of partsOf(name, content)) {
      const result = parseDocuments(text, { file: name, defaultNamespace, firstLine });
      for (const object of result.objects) parsed.push(object);
      for (const diagnostic of result.diagnostics) diagnostics.push(diagnostic);
      await turn();
    }
  }
  for (const [index, value] of (request.objects ?? []).entries()) {
    checkLength(`objects[${index}]`, JSON.stringify(value).length);
    const result = parseObject(value, { file: `objects[${index}]`, defaultNamespace });
    diagnostics.push(...result.diagnostics);
    if (result.object)
      parsed.push({
        object: result.object,
        source: { file: `objects[${index}]`, line: 1, lineOf: () => 1 },
      });
    await turn();
  }
  const objects = new Map<string, ParsedObject>();
  for (const one of parsed) {
    const key = objectKey(one.object);
    const refusal = refusalOf(one, objects.get(key));
    if (refusal) diagnostics.push(refusal);
    objects.set(key, one);
  }
  return { objects, diagnostics };
}

function refusalOf(
  { object, source }: ParsedObject,
  earlier: ParsedObject | undefined,
): Diagnostic | undefined {
  const where = {
    level: "Error" as const,
    origin: originOf(object),
    reference: `${source.file}:${source.line}`,
  };
  if (earlier)
    return {
      ...where,
      code: "HDL1043",
      message: `${originOf(object)} stands at ${earlier.source.file}:${earlier.source.line} too.`,
      remedy: "Keep one of the two.",
    };
  if (object.kind === "Secret" && object.apiVersion === "v1")
    return {
      ...where,
      code: "HDL1044",
      message: "Secrets are not kept by the plane.",
      remedy: "Keep it in the cluster, with kubectl: agents read it there and never send it up.",
    };
  if (!isStorable(object))
    return {
      ...where,
      code: "HDL1045",
      message: "A text holds a NUL character or half of a surrogate pair.",
      remedy: "Remove it.",
    };
  return undefined;
}

/** Postgres stores neither NUL nor lone surrogates. Both show as escapes in JSON. */
function isStorable(object: MeshObject): boolean {
  return !/(?<!\\)(\\\\)*\\u(0000|d[89ab][0-9a-f]{2}|d[c-f][0-9a-f]{2})/i.test(
    JSON.stringify(object),
  );
}

/** What clusters and other tools write into metadata, and nobody means when they apply a file. */
const SERVER_METADATA = [
  "creationTimestamp",
  "deletionTimestamp",
  "generation",
  "managedFields",
  "resourceVersion",
  "selfLink",
  "uid",
];

/** The document as it is stored: the user's own, with the time at which the plane first saw the object. */
export async function storedForm(
  object: MeshObject,
  state: MeshState,
  now: Date,
): Promise<{ document: Document; hash: string }> {
  const { status: _, ...document } = toDocument(object) as Record<string, unknown> & {
    metadata: Record<string, unknown>;
  };
  const known = state.entries.get(objectKey(object))?.document as typeof document | undefined;
  const metadata = Object.fromEntries(
    Object.entries(document.metadata).filter(
      ([name, value]) => !SERVER_METADATA.includes(name) && value !== undefined,
    ),
  );
  const stored = JSON.parse(
    JSON.stringify({
      ...document,
      metadata: {
        ...metadata,
        creationTimestamp:
          known?.metadata["creationTimestamp"] ?? `${now.toISOString().slice(0, 19)}Z`,
      },
    }),
  ) as Document;
  return { document: stored, hash: await objectHash(stored) };
}
