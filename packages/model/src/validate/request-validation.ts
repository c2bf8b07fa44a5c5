/** Rules of a RequestValidation that its schema cannot say. */
import { durationOf } from "../duration.ts";
import type {
  OpenApiValidation,
  RequestLimits,
  RequestValidation,
  ValidationRule,
} from "../kinds/request-validation.ts";
import { readOpenApi } from "../openapi/document.ts";
import { isHeaderName } from "./header.ts";
import { checkString } from "./match.ts";
import { checkPolicyTarget } from "./policy-target.ts";
import type { Report } from "./report.ts";

/** Envoy's most. */
const MAX_HEADER_BYTES = 8192 * 1024;
/** Far more than anybody sends, and few enough to read for each request. */
const MAX_HEADERS = 10_000;
/** An agent takes larger messages, and reads each as a whole. */
const MAX_CHECKED_BODY = 1024 * 1024;
const MAX_WAIT_MS = 5_000;
/** A document is part of its object, which Kubernetes takes up to 1.5 MiB of. */
const MAX_DOCUMENT_BYTES = 512 * 1024;
/** Of the many that a document may have, so that the first ones are read. */
const MAX_PROBLEMS = 20;

const RULE_NAME = /^[A-Za-z0-9](?:[-._A-Za-z0-9]*[A-Za-z0-9])?$/;
const MEDIA_RANGE = /^[!#$&^_.+\-A-Za-z0-9]+\/(?:\*|[!#$&^_.+\-A-Za-z0-9]+)$/;

type Refuse = (path: string, message: string, remedy: string) => void;

export function checkRequestValidation(spec: RequestValidation, report: Report): void {
  checkPolicyTarget(spec, report);
  const { paths, limits, rules = [], openapi } = spec;
  if (!says(paths) && !says(limits) && rules.length === 0 && !openapi) {
    report({
      code: "HDL0023",
      path: "spec",
      message: "a RequestValidation says nothing",
      remedy: "Give it paths, limits, rules or openapi.",
    });
  }
  const refuse: Refuse = (path, message, remedy) =>
    report({ code: "HDL0060", path: `spec.${path}`, message, remedy });
  checkLimits(limits ?? {}, refuse);
  const names = new Set<string>();
  for (const [index, rule] of rules.entries()) {
    checkRule(rule, `rules[${index}]`, report, refuse);
    const { name } = rule;
    if (name === undefined) continue;
    if (names.has(name))
      refuse(
        `rules[${index}].name`,
        `two rules are called "${name}"`,
        "Give each a name of its own.",
      );
    names.add(name);
  }
  if (openapi) checkOpenApi(openapi, report, refuse);
}

function says(part: object | undefined): boolean {
  return part !== undefined && Object.keys(part).length > 0;
}

function checkLimits(limits: RequestLimits, refuse: Refuse): void {
  for (const field of ["headers", "headerBytes", "urlBytes"] as const) {
    if (limits[field] === 0)
      refuse(`limits.${field}`, "no request at all would be taken", "Raise it.");
  }
  checkBody(limits.bodyBytes, "limits.bodyBytes", refuse);
  const { headers = 0, headerBytes = 0 } = limits;
  if (headers > MAX_HEADERS) {
    refuse(
      "limits.headers",
      `${headers} are more than a proxy should read (${MAX_HEADERS} at most)`,
      "Lower it.",
    );
  }
  if (headerBytes > MAX_HEADER_BYTES) {
    refuse(
      "limits.headerBytes",
      `${headerBytes} bytes are more than a proxy can take (${MAX_HEADER_BYTES} at most)`,
      "Lower it.",
    );
  }
}

/** A proxy cannot hold back a body of no bytes. */
function checkBody(most: number | undefined, path: string, refuse: Refuse): void {
  if (most !== 0) return;
  refuse(
    path,
    "a limit of 0 bytes cannot be kept",
    "Give at least 1, or take methods without a body alone.",
  );
}

function checkRule(rule: ValidationRule, path: string, report: Report, refuse: Refuse): void {
  const { name, match, methods, contentTypes, maxBodyBytes } = rule;
  if (name !== undefined && !RULE_NAME.test(name)) {
    refuse(
      `${path}.name`,
      `"${name}" is not a rule's name`,
      "Use letters, digits, dashes, dots and underscores.",
    );
  }
  for (const field of ["path", "method"] as const) {
    const value = match?.[field];
    if (value) checkString(value, `spec.${path}.match.${field}`, report);
  }
  if (methods === undefined && contentTypes === undefined && maxBodyBytes === undefined && !match) {
    refuse(path, "a rule says nothing", "Give it methods, contentTypes or maxBodyBytes.");
  }
  checkBody(maxBodyBytes, `${path}.maxBodyBytes`, refuse);
  for (const field of ["methods", "contentTypes"] as const) {
    if (rule[field]?.length === 0)
      refuse(`${path}.${field}`, "nothing at all would be taken", "Name some, or leave it out.");
  }
  for (const [index, method] of (methods ?? []).entries()) {
    if (isHeaderName(method) && method === method.toUpperCase()) continue;
    refuse(
      `${path}.methods[${index}]`,
      `"${method}" is not a method`,
      "Methods are in upper case: GET, POST.",
    );
  }
  for (const [index, type] of (contentTypes ?? []).entries()) {
    if (MEDIA_RANGE.test(type)) continue;
    refuse(
      `${path}.contentTypes[${index}]`,
      `"${type}" is not a type of content`,
      "Write it like application/json or image/*, without parameters.",
    );
  }
}

function checkOpenApi(openapi: OpenApiValidation, report: Report, refuse: Refuse): void {
  const { document, maxBodyBytes = MAX_CHECKED_BODY, timeout } = openapi;
  checkBody(maxBodyBytes, "openapi.maxBodyBytes", refuse);
  if (maxBodyBytes > MAX_CHECKED_BODY) {
    refuse(
      "openapi.maxBodyBytes",
      `${maxBodyBytes} bytes are more than an agent reads (${MAX_CHECKED_BODY} at most)`,
      "Lower it.",
    );
  }
  if (timeout !== undefined && (durationOf(timeout) ?? 0) > MAX_WAIT_MS) {
    refuse(
      "openapi.timeout",
      `${timeout} is too long for a request to wait (5s at most)`,
      "Lower it.",
    );
  }
  const path = "spec.openapi.document";
  const { length } = new TextEncoder().encode(document);
  if (length > MAX_DOCUMENT_BYTES) {
    const message = `the document has ${length} bytes (${MAX_DOCUMENT_BYTES} at most)`;
    report({
      code: "HDL0061",
      path,
      message,
      remedy: "Leave out examples and descriptions, or split it.",
    });
    return;
  }
  const { problems } = readOpenApi(document);
  for (const { code, line, place, message, remedy } of problems.slice(0, MAX_PROBLEMS)) {
    const where = place === "" ? `line ${line}` : `line ${line}, ${place}`;
    report({ code, path, message: `${where}: ${message}`, ...(remedy ? { remedy } : {}) });
  }
}
