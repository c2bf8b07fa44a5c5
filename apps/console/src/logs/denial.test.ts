import { expect, test } from "vitest";
import { denialSentence, explainDenial, explainDryRun } from "./denial.ts";

const line = (attributes: Record<string, string | number>) => ({ attributes });
const said = (attributes: Record<string, string | number>) => {
  const denial = explainDenial(line(attributes));
  return denial && `${denialSentence(denial)}. ${denial.hint}`;
};

test.each([
  [
    "the policy that denied, with its rule",
    {
      "heddle.authorization.decision": "denied by a policy",
      "heddle.authorization.policy": "shop/deny-old",
      "heddle.authorization.rule": 2,
    },
    "Denied by AuthorizationPolicy shop/deny-old, rule 2. A rule of action DENY matched.",
  ],
  [
    "the policies of which none let a request in",
    {
      "heddle.authorization.decision": "allowed by no policy",
      "heddle.authorization.policy": "mesh/all,shop/buyers",
    },
    "Let in by no AuthorizationPolicy mesh/all, shop/buyers. Policies of action ALLOW are for the workload, and no rule of theirs matched.",
  ],
  [
    "the check that refused",
    {
      "heddle.request_validation.decision": "refused",
      "heddle.request_validation.object": "shop/checks",
      "heddle.request_validation.rule": "limits.urlBytes",
    },
    "Refused by RequestValidation shop/checks, limits.urlBytes. Refused by a check.",
  ],
  [
    "what a document says of a body",
    {
      "heddle.request_validation.decision": "refused",
      "heddle.request_validation.object": "shop/checks",
      "heddle.request_validation.rule": "openapi.document",
      "heddle.request_validation.document": "POST /a: body/b: must be string",
    },
    "Refused by RequestValidation shop/checks, openapi.document. POST /a: body/b: must be string.",
  ],
  [
    "a token that is missing",
    { "envoy.response_code_details": "jwt_authn_access_denied{Jwt_is_missing}" },
    "Refused for its token. As RequestAuthentication asks for: Jwt is missing.",
  ],
  [
    "a handshake that failed",
    { "envoy.upstream.transport_failure_reason": "TLS_error:|CERTIFICATE_VERIFY_FAILED" },
    "Mutual TLS failed. The two sides do not take each other's certificate, or modes of mutual TLS do not fit: TLS error:|CERTIFICATE VERIFY FAILED.",
  ],
])("names %s", (_, attributes, words) => expect(said(attributes)).toBe(words));

test("says nothing of what was let in, and no more of a decision that it does not know", () => {
  expect(said({})).toBeUndefined();
  expect(said({ "heddle.request_validation.decision": "reported" })).toBeUndefined();
  expect(said({ "heddle.authorization.decision": "constructor" })).toBe(
    "Refused by AuthorizationPolicy. Constructor.",
  );
});

test("tells what policies that are tried out would do", () => {
  expect(
    explainDryRun(
      line({
        "heddle.authorization.dry_run.deny": "denied",
        "heddle.authorization.dry_run.deny_rule": "shop/tried rule 0",
      }),
    ),
  ).toBe("would be denied by shop/tried rule 0");
  expect(explainDryRun(line({ "heddle.authorization.dry_run.allow": "denied" }))).toBe(
    "would be let in by no policy that is tried out",
  );
  expect(explainDryRun(line({ "heddle.authorization.dry_run.allow": "allowed" }))).toBeUndefined();
});
