/** Requests and answers of Envoy's authorization service (envoy.service.auth.v3), by which proxies have requests checked. */
import { decode, encode } from "@heddle/envoy";
import type { CheckRequest, CheckResponse } from "@heddle/envoy/service/auth/v3";
import { OPENAPI_REFUSED } from "@heddle/translate";
import type { CheckedRequest, Refused } from "./checked-request.ts";

const REQUEST = "envoy.service.auth.v3.CheckRequest";
const RESPONSE = "envoy.service.auth.v3.CheckResponse";

/** Set by Envoy where it sends a part of a body. */
const PARTIAL = "x-envoy-auth-partial-body";

/** Of google.rpc.Code. */
const OK = 0;
const PERMISSION_DENIED = 7;

/** Throws a `ValueError` for bytes that are no request. */
export function readAsk(bytes: Uint8Array): CheckedRequest {
  const { attributes } = decode(REQUEST, bytes) as CheckRequest;
  const { method = "", path = "", headers = {}, rawBody = "" } = attributes?.request?.http ?? {};
  return {
    ...{ method, path, headers },
    body: typeof rawBody === "string" ? Buffer.from(rawBody, "base64") : rawBody,
    partial: headers[PARTIAL] === "true",
  };
}

const ANSWERS = {
  400: ["BadRequest", "Bad Request"],
  404: ["NotFound", "Not Found"],
  405: ["MethodNotAllowed", "Method Not Allowed"],
  413: ["PayloadTooLarge", "Content Too Large"],
  415: ["UnsupportedMediaType", "Unsupported Media Type"],
} as const;

/** `reports` lets through what is wrong; what it is stands in the metadata that logs are written from. */
export function writeAnswer(refused: Refused | undefined, reports: boolean): Uint8Array {
  const response: CheckResponse = {
    ...(refused
      ? {
          dynamicMetadata: {
            [OPENAPI_REFUSED]: `${refused.operation}: ${refused.place}: ${refused.reason}`,
          },
        }
      : {}),
    ...(refused && !reports ? denied(refused) : { status: { code: OK }, okResponse: {} }),
  };
  return encode(RESPONSE, response);
}

function denied({ status, allow }: Refused): CheckResponse {
  const [code, body] = ANSWERS[status];
  return {
    status: { code: PERMISSION_DENIED },
    deniedResponse: {
      status: { code },
      body: `${body}\n`,
      ...(allow ? { headers: [{ header: { key: "allow", value: allow.join(", ") } }] } : {}),
    },
  };
}
