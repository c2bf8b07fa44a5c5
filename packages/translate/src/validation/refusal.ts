/** How a request is refused: by a name that logs have, and an answer that says no more than its status. */
import type { AccessLogFilter } from "@heddle/envoy/config/accesslog/v3";
import type { ExpressionFilter } from "@heddle/envoy/extensions/access_loggers/filters/cel/v3";
import type { ResponseMapper } from "@heddle/envoy/extensions/filters/network/http_connection_manager/v3";
import type { MeshObject, RequestValidation } from "@heddle/model";
import { extension } from "../typed-config.ts";

export type RefusalStatus = 400 | 405 | 413 | 414 | 415 | 431;

export interface Refusal {
  /** `request-validation/namespace/name/place`. */
  readonly name: string;
  readonly status: RefusalStatus;
  /** Methods that are taken, with 405. */
  readonly allow?: readonly string[];
}

const REASONS: Readonly<Record<RefusalStatus, string>> = {
  400: "Bad Request",
  405: "Method Not Allowed",
  413: "Content Too Large",
  414: "URI Too Long",
  415: "Unsupported Media Type",
  431: "Request Header Fields Too Large",
};

/** `place` is the field that refuses: `limits.urlBytes`, `rules[upload].methods`. */
export function refusalOf(
  { metadata }: MeshObject<RequestValidation>,
  place: string,
  status: RefusalStatus,
  allow?: readonly string[],
): Refusal {
  const name = `request-validation/${metadata.namespace}/${metadata.name}/${place}`;
  return { name, status, ...(allow ? { allow } : {}) };
}

/** Envoy's access control refuses with 403 alone; the answer that is meant is put in its place. */
export function answerTo({ name, status, allow }: Refusal): ResponseMapper {
  return {
    filter: refusedBy(name),
    statusCode: status,
    body: { inlineString: `${REASONS[status]}\n` },
    ...(allow ? { headersToAdd: [{ header: { key: "allow", value: allow.join(", ") } }] } : {}),
  };
}

function refusedBy(name: string): AccessLogFilter {
  const expression = `response.code_details == ${JSON.stringify(`rbac_access_denied_matched_policy[${name}]`)}`;
  return {
    extensionFilter: extension<ExpressionFilter>(
      "envoy.access_loggers.extension_filters.cel",
      "envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter",
      { expression },
    ),
  };
}
