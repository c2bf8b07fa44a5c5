/** One configuration object out of a value that came from a file, a request or a store. */
import type { z } from "zod";
import { modelCodes } from "./codes.ts";
import type { Diagnostic } from "./diagnostic.ts";
import { type Fields, isFields } from "./fields.ts";
import { isPassedOver, kindOf, kinds } from "./kinds.ts";
import type { Kind } from "./kinds.ts";
import type { Secret } from "./kinds/kubernetes.ts";
import { checkMetadata, metadataOf, metadataSchema } from "./metadata.ts";
import { nearest } from "./nearest.ts";
import { groupOf } from "./object.ts";
import type { MeshObject } from "./object.ts";
import { checkPlanned } from "./planned.ts";
import { replacementOf } from "./removed-kinds.ts";
import { findingsOf, unknownField } from "./schema/issues.ts";
import { withoutNulls } from "./schema/nulls.ts";
import { withNewNames } from "./schema/old-names.ts";
import { checkAnnotations } from "./validate/annotations.ts";
import { checkByKind } from "./validate/by-kind.ts";
import { MAX_DEPTH } from "./source.ts";
import { isDeeperThan } from "./depth.ts";
import { joinPath } from "./validate/report.ts";
import type { Finding, Report } from "./validate/report.ts";

export interface ParseOptions {
  /** Named in references. */
  readonly file?: string;
  /** Namespace of objects that name none; `default` without it. */
  readonly defaultNamespace?: string;
  /** Line of a JSON path in the file. */
  readonly lineOf?: (path: string) => number;
}

export interface ParseResult {
  /** There unless something was found that keeps it from being read in full. */
  readonly object?: MeshObject;
  readonly diagnostics: Diagnostic[];
}

/** Where something is that is wrong with a document as a whole; JSONPath's sign for it. */
const ROOT = "$";

/**
 * Reads an object and checks it by itself: kind, metadata, every field of its schema, and what may stand together.
 * Never throws on what a user wrote. An object with an Error is not returned, with one exception: one of a kind that is
 * planned is, beside its Error, so that references to it can be followed.
 */
export function parseObject(value: unknown, options: ParseOptions = {}): ParseResult {
  const findings: Finding[] = [];
  const object = readObject(value, options.defaultNamespace ?? "default", (finding) =>
    findings.push(finding),
  );
  const origin = originText(value, options);
  const diagnostics = findings.map((finding) => diagnosticOf(finding, origin, options));
  const refused = diagnostics.some(({ level, code }) => level === "Error" && code !== "HDL0009");
  return { ...(object && !refused ? { object } : {}), diagnostics };
}

/** A finding as a diagnostic, with its code's level, and the line that it stands on. */
export function diagnosticOf(finding: Finding, origin: string, options: ParseOptions): Diagnostic {
  const { code, path, message, remedy, level = modelCodes[code]?.level ?? "Error" } = finding;
  const { file, lineOf } = options;
  return {
    code,
    level,
    message: shortened(message, MAX_MESSAGE),
    origin: shortened(origin, MAX_ORIGIN),
    ...(file === undefined ? {} : { reference: lineOf ? `${file}:${lineOf(path)}` : file }),
    ...(path === "" ? {} : { path }),
    ...(remedy === undefined ? {} : { remedy }),
  };
}

/** Values that a message quotes may be of any length; nobody reads more of one than this. */
const MAX_MESSAGE = 1000;
/** The longest that a kind with a namespace and a name can be is shorter. */
const MAX_ORIGIN = 400;

function shortened(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most)}…` : text;
}

function readObject(value: unknown, namespace: string, report: Report): MeshObject | undefined {
  if (!isFields(value)) {
    report({ code: "HDL0005", path: ROOT, message: "a document is not an object" });
    return undefined;
  }
  const deep = tooDeep(value);
  if (deep) {
    const message = `the document is nested too deeply (${MAX_DEPTH} levels at most)`;
    report({ code: "HDL0004", path: deep, message, remedy: "Take the inner levels out." });
    return undefined;
  }
  const kind = readKind(value, report);
  if (!kind) return undefined;
  const written = value["metadata"];
  if (!isFields(written)) {
    report({
      code: "HDL0006",
      path: "metadata",
      message: "metadata is missing",
      remedy: "Add metadata.name.",
    });
    return undefined;
  }
  const read = metadataSchema.safeParse(withoutNulls(written));
  if (!read.success) {
    report({
      ...findingsOf(read.error.issues, metadataSchema, written, ["metadata"])[0]!,
      ...(typeof written["name"] === "string" ? {} : { code: "HDL0006" }),
    });
    return undefined;
  }
  const metadata = metadataOf(read.data, kind, namespace);
  checkMetadata(metadata, written, kind, report);
  if (kind.feature === "planned") {
    report({
      code: "HDL0009",
      path: "kind",
      message: `${kind.kind} of ${kind.group} is known, but not yet in effect here`,
      remedy: "Leave it out until a release translates it.",
    });
  }
  if (!kind.foreign) checkTopLevel(value, report);
  const spec = readSpec(value, kind, report);
  if (spec === undefined) return undefined;
  const object = {
    apiVersion: value["apiVersion"] as string,
    kind: kind.kind,
    metadata,
    spec: kind.kind === "Secret" ? withStringData(spec as Secret) : spec,
  };
  checkSpec(object, kind, report);
  return object;
}

/** The outermost field under which a value is deeper than any object needs to be, or holds itself. */
function tooDeep(value: Fields): string | undefined {
  const found = Object.keys(value).find((name) => isDeeperThan(MAX_DEPTH, value[name]));
  return found === undefined ? undefined : joinPath("", found);
}

function readKind(value: Fields, report: Report): Kind | undefined {
  const { apiVersion, kind } = value;
  for (const [name, text] of Object.entries({ apiVersion, kind })) {
    if (typeof text === "string" && text !== "") continue;
    report({ code: "HDL0006", path: name, message: `${name} is missing`, remedy: `Add ${name}.` });
    return undefined;
  }
  const [version, name] = [apiVersion as string, kind as string];
  const known = kindOf(version, name);
  if (!known) {
    reportUnknownKind(version, name, report);
    return undefined;
  }
  const short = version.slice(version.indexOf("/") + 1);
  if (!known.versions.includes(short)) {
    report({
      code: "HDL0008",
      path: "apiVersion",
      message: `${name} of ${known.group} has no version ${short}`,
      remedy: `It has ${known.versions.join(", ")}.`,
    });
    return undefined;
  }
  return known;
}

function reportUnknownKind(apiVersion: string, kind: string, report: Report): void {
  if (isPassedOver(apiVersion, kind)) {
    return report({
      code: "HDL0019",
      path: "kind",
      message: `${kind} of ${groupOf(apiVersion)} is no part of the mesh and is passed over`,
    });
  }
  const replacement = replacementOf(apiVersion, kind);
  if (replacement !== undefined) {
    return report({
      code: "HDL0007",
      path: "apiVersion",
      message: `Istio no longer has the kind "${kind}" of ${groupOf(apiVersion)}`,
      remedy: `Use ${replacement}.`,
    });
  }
  const elsewhere = kinds.find((known) => known.kind === kind);
  const near = nearest(
    kind,
    kinds.map((known) => known.kind),
  );
  const guess = elsewhere ?? kinds.find((known) => known.kind === near);
  const full =
    guess && (guess.group === "core" ? guess.versions[0]! : `${guess.group}/${guess.versions[0]!}`);
  report({
    code: "HDL0007",
    path: elsewhere ? "apiVersion" : "kind",
    message: `there is no kind "${kind}" in ${apiVersion}`,
    ...(guess ? { remedy: `Did you mean ${guess.kind} of ${full}?` } : {}),
  });
}

const TOP_LEVEL = ["apiVersion", "kind", "metadata", "spec", "status"];

function checkTopLevel(document: Fields, report: Report): void {
  for (const field of Object.keys(document)) {
    if (!TOP_LEVEL.includes(field)) report(unknownField(field, "", TOP_LEVEL));
  }
}

/** What stands under `spec`, or, where Kubernetes has none, beside metadata. */
function readSpec(document: Fields, kind: Kind, report: Report): unknown {
  const { apiVersion: _v, kind: _k, metadata: _m, spec, status, ...beside } = document;
  if (kind.needsSpec && (spec === undefined || spec === null)) {
    report({ code: "HDL0012", path: "spec", message: "spec is required", remedy: "Add spec." });
    return undefined;
  }
  const fields = kind.hasSpec ? (spec ?? {}) : beside;
  const value =
    kind.foreign && kind.hasSpec && isFields(fields) && status !== undefined
      ? { ...fields, status }
      : fields;
  const schema: z.ZodType = kind.schema;
  const written = kind.foreign ? value : withNewNames(kind.kind, value, report);
  const read = schema.safeParse(withoutNulls(written, kind.foreign ? undefined : schema));
  if (read.success) return read.data;
  const base = kind.hasSpec ? ["spec"] : [];
  for (const finding of findingsOf(read.error.issues, schema, written, base)) report(finding);
  return undefined;
}

function checkSpec(object: MeshObject, kind: Kind, report: Report): void {
  if (kind.foreign) return checkByKind(object, report);
  if (kind.group.endsWith(".istio.io")) checkAnnotations(object, report);
  checkByKind(object, report);
  if (kind.feature === "full") checkPlanned(kind.kind, object.spec, report);
}

/** Kubernetes turns `stringData` into `data` when it stores a Secret; so do we. */
function withStringData(secret: Secret): Secret {
  const { stringData, ...rest } = secret;
  if (stringData === undefined) return secret;
  const encoded = Object.entries(stringData).map(([name, text]) => [name, base64(text)] as const);
  return { ...rest, data: { ...rest.data, ...Object.fromEntries(encoded) } };
}

function base64(text: string): string {
  const bytes = new TextEncoder().encode(text);
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

function originText(value: unknown, { file, defaultNamespace = "default" }: ParseOptions): string {
  if (!isFields(value)) return file ?? "document";
  const { apiVersion, kind, metadata } = value;
  const { name, namespace } = isFields(metadata) ? metadata : {};
  const text = (field: unknown, other: string) =>
    typeof field === "string" && field !== "" ? field : other;
  const known = kindOf(text(apiVersion, "?"), text(kind, "?"));
  const place = known?.namespaced === false ? "" : `${text(namespace, defaultNamespace)}/`;
  return `${text(kind, "object")} ${place}${text(name, "(no name)")}`;
}
