/** Which RequestValidation refused a request, or would have, read from what the mesh's proxies write down of it. */

import type { Attributes } from "../records.ts";

/** Attributes that a log line has besides what the proxy wrote. */
export const validationFields = {
  /** `namespace/name`. */
  object: "heddle.request_validation.object",
  /** The field that refuses: `limits.urlBytes`, `rules[upload].methods`, `openapi.document`. */
  rule: "heddle.request_validation.rule",
  /** Of a document: `operation: place: reason`. */
  document: "heddle.request_validation.document",
  /** `refused`, or `reported` where it was let through all the same. */
  decision: "heddle.request_validation.decision",
} as const;

/** Attributes that the proxy wrote, as its access log format names them. */
export const validationSources = {
  details: "envoy.response_code_details",
  object: validationFields.object,
  report: "heddle.request_validation.report",
  body: "heddle.request_validation.body",
  document: validationFields.document,
} as const;

const NAME = /request-validation\/([^/\s"\]]+\/[^/\s"\]]+)\/((?:[^\]\s"[]|\[[^\]]*\])+)/;

/** Envoy's own words for headers that no filter has seen. */
const HEADERS = /headers_too_large|too_many_headers/;

/** The attributes with the object and the field that refused, or would have. What says nothing of this request is taken out. */
export function withRequestValidation(attributes: Attributes): Attributes {
  const { object, report, body, document } = validationSources;
  if (attributes[object] === undefined) return attributes;
  const result = { ...attributes };
  for (const name of [object, report, body]) delete result[name];
  const found = decisionOf(attributes);
  if (found === undefined) {
    delete result[document];
    return result;
  }
  return {
    ...result,
    [validationFields.object]: found.object,
    [validationFields.rule]: found.rule,
    [validationFields.decision]: found.decision,
  };
}

interface Decision {
  readonly object: string;
  readonly rule: string;
  readonly decision: "refused" | "reported";
}

function decisionOf(attributes: Attributes): Decision | undefined {
  const text = (name: keyof typeof validationSources) => {
    const value = String(attributes[validationSources[name]] ?? "");
    return value === "-" ? "" : value;
  };
  const [details, object] = [text("details"), text("object")];
  const named = (where: string, decision: Decision["decision"]) => {
    const [, of, rule] = NAME.exec(where) ?? [];
    return of && rule ? ({ object: of, rule, decision } as const) : undefined;
  };
  if (details.startsWith("rbac_access_denied")) return named(details, "refused");
  if (details === "request_payload_too_large") return named(text("body"), "refused");
  if (HEADERS.test(details)) return { object, rule: "limits", decision: "refused" };
  if (text("document") !== "") {
    const decision = details === "ext_authz_denied" ? "refused" : "reported";
    // Of two reports the first check's is named; the document's is told beside it.
    return named(text("report"), "reported") ?? { object, rule: "openapi.document", decision };
  }
  return named(text("report"), "reported");
}
