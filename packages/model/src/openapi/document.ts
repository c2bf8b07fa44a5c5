/** Reads an OpenAPI document for checking requests with: what is wrong with it, with places, and else its operations. */
import type { z } from "zod";
import { isFields } from "../fields.ts";
import { readSource, type SourceDocument } from "../source.ts";
import { pathText } from "../validate/report.ts";
import { type OpenApiOperation, operationsOf, PlaceError } from "./operations.ts";
import { wrongReferences } from "./references.ts";
import { openApi } from "./shape.ts";

export type Path = readonly (string | number)[];

export interface OpenApiProblem {
  readonly code: string;
  /** Of the document, counted from 1. */
  readonly line: number;
  /** `paths["/pets"].get`; empty for the text as a whole. */
  readonly place: string;
  readonly message: string;
  readonly remedy?: string;
}

export interface OpenApiDocument {
  /** As it is written, for whoever compiles its schemas. */
  readonly value: Readonly<Record<string, unknown>>;
  readonly version: "3.0" | "3.1";
  /** In the order in which paths are tried: those without a parameter come first. */
  readonly operations: readonly OpenApiOperation[];
}

export interface OpenApiReading {
  /** Undefined where there is any problem. */
  readonly document?: OpenApiDocument;
  readonly problems: readonly OpenApiProblem[];
}

export function readOpenApi(text: string): OpenApiReading {
  const { documents, findings } = readSource(text);
  const [source, second] = documents;
  const unread = (message: string, line = 1): OpenApiReading => ({
    problems: [{ code: "HDL0061", line, place: "", message }],
  });
  const [finding] = findings;
  if (finding) return unread(finding.message, finding.line);
  if (source === undefined || second !== undefined)
    return unread(`there are ${documents.length} documents, and not one`);
  const { value } = source;
  if (!isFields(value)) return unread("the document is not an object");
  const said = value["openapi"] ?? value["swagger"];
  if (typeof said !== "string" || !/^3\.[01]\./.test(said)) {
    return unread(
      said === undefined
        ? "the document does not say openapi: 3.0.x or 3.1.x"
        : `version ${String(said)} of OpenAPI is not read, only 3.0 and 3.1`,
      said === undefined ? 1 : source.lineOf("openapi" in value ? "openapi" : "swagger"),
    );
  }
  return readParsed(source, value, said.startsWith("3.0") ? "3.0" : "3.1");
}

function readParsed(
  source: SourceDocument,
  value: Readonly<Record<string, unknown>>,
  version: OpenApiDocument["version"],
): OpenApiReading {
  const problem = (code: string, path: Path, message: string): OpenApiProblem => {
    const place = pathText(path);
    return { code, line: source.lineOf(place), place, message };
  };
  const read = openApi.safeParse(value);
  const problems = [
    ...(read.error?.issues ?? []).map((issue) =>
      problem(codeOf(issue), issue.path as Path, reasonOf(issue).message),
    ),
    ...[...wrongReferences(value)].map(({ path, message }) => problem("HDL0063", path, message)),
  ];
  if (problems.length > 0 || !read.data)
    return { problems: problems.toSorted((a, b) => a.line - b.line) };
  try {
    return { document: { value, version, operations: operationsOf(read.data) }, problems: [] };
  } catch (error) {
    if (!(error instanceof PlaceError)) throw error;
    return { problems: [problem("HDL0062", error.path, error.message)] };
  }
}

/** Of a key that is none, what its own schema says. */
function reasonOf(issue: z.core.$ZodIssue): z.core.$ZodIssue {
  return issue.code === "invalid_key" ? (issue.issues[0] ?? issue) : issue;
}

function codeOf(written: z.core.$ZodIssue): string {
  const issue = reasonOf(written);
  const given = issue.code === "custom" ? issue.params?.["code"] : undefined;
  return typeof given === "string" ? given : "HDL0062";
}
