import { expect, test } from "vitest";
import type { Attributes } from "../records.ts";
import { authorizationFields, withAuthorization } from "./authorization.ts";
import { validationFields, withRequestValidation } from "./request-validation.ts";

const OF_PROXY = { "heddle.request_validation.object": "default/all", "url.path": "/a" };
const denied = (place: string) =>
  `rbac_access_denied_matched_policy[request-validation/default/all/${place}]`;

function said(written: Attributes): string {
  const read = withRequestValidation({ ...OF_PROXY, ...written });
  const { object, rule, decision, document } = validationFields;
  expect(read["url.path"]).toBe("/a");
  return [read[decision], read[object], read[rule], read[document]].filter(Boolean).join(" ");
}

test.each<[string, Attributes, string]>([
  [
    "a check by headers",
    { "envoy.response_code_details": denied("rules[upload].methods") },
    "refused default/all rules[upload].methods",
  ],
  [
    "a limit",
    { "envoy.response_code_details": denied("limits.urlBytes") },
    "refused default/all limits.urlBytes",
  ],
  [
    "a body that was held back",
    {
      "envoy.response_code_details": "request_payload_too_large",
      "heddle.request_validation.body":
        '{"heddle.request_body":"request-validation/default/all/rules[0].maxBodyBytes"}',
    },
    "refused default/all rules[0].maxBodyBytes",
  ],
  [
    "headers that no filter has seen",
    { "envoy.response_code_details": "http1.headers_too_large" },
    "refused default/all limits",
  ],
  [
    "a document",
    {
      "envoy.response_code_details": "ext_authz_denied",
      "heddle.request_validation.document": "POST /a: body/b: must be string",
    },
    "refused default/all openapi.document POST /a: body/b: must be string",
  ],
  [
    "a document that reports",
    {
      "envoy.response_code_details": "via_upstream",
      "heddle.request_validation.document": "POST /a: body: must be there",
    },
    "reported default/all openapi.document POST /a: body: must be there",
  ],
  [
    "a check that reports",
    {
      "envoy.response_code_details": "via_upstream",
      "heddle.request_validation.report": "request-validation/default/all/limits.headers",
    },
    "reported default/all limits.headers",
  ],
  [
    "nothing",
    {
      "envoy.response_code_details": "via_upstream",
      "heddle.request_validation.report": "-",
      "heddle.request_validation.document": "-",
      "heddle.request_validation.body":
        '{"heddle.request_body":"request-validation/default/all/limits.bodyBytes"}',
    },
    "",
  ],
  [
    "an AuthorizationPolicy",
    { "envoy.response_code_details": "rbac_access_denied_matched_policy[ns[a]-policy[b]-rule[0]]" },
    "",
  ],
])("%s", (_, written, says) => expect(said(written)).toBe(says));

test("a refusal is no denial of an AuthorizationPolicy, though Envoy has the same words for both", () => {
  const decided = (details: string) =>
    withAuthorization(
      withRequestValidation({ ...OF_PROXY, "envoy.response_code_details": details }),
      "-",
    )[authorizationFields.decision];
  expect(decided(denied("limits.urlBytes"))).toBeUndefined();
  expect(decided("rbac_access_denied_matched_policy[none]")).toBe("allowed by no policy");
});
