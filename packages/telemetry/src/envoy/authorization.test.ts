import { describe, expect, it } from "vitest";
import { readRuleName, withAuthorization } from "./authorization.ts";

describe("a line of a denial", () => {
  const details = (text: string) => ({ "envoy.response_code_details": text });
  const decided = (attributes: Record<string, string>, flags = "") => {
    const { "envoy.response_code_details": _, ...rest } = withAuthorization(attributes, flags);
    return rest;
  };

  it("names the rule that denied", () => {
    expect(
      decided({
        ...details("rbac_access_denied_matched_policy[ns[shop]-policy[deny-old]-rule[3]]"),
        "heddle.authorization.allowing": "shop/buyers",
      }),
    ).toEqual({
      "heddle.authorization.decision": "denied by a policy",
      "heddle.authorization.policy": "shop/deny-old",
      "heddle.authorization.rule": 3,
    });
  });

  it("names the policies of which none allowed", () => {
    expect(
      decided({
        ...details("rbac_access_denied_matched_policy[none]"),
        "heddle.authorization.allowing": "mesh/all,shop/buyers",
      }),
    ).toEqual({
      "heddle.authorization.decision": "allowed by no policy",
      "heddle.authorization.policy": "mesh/all,shop/buyers",
    });
  });

  it("names the policy for which a server was asked, or could not be", () => {
    const asked = {
      "heddle.authorization.asked_for": "istio-ext-authz-auth-ns[shop]-policy[ask]-rule[0]",
    };
    const policy = { "heddle.authorization.policy": "shop/ask", "heddle.authorization.rule": 0 };
    expect(decided({ ...details("ext_authz_denied"), ...asked })).toEqual({
      "heddle.authorization.decision": "refused by the server asked",
      ...policy,
    });
    expect(decided({ ...details("ext_authz_error"), ...asked })).toEqual({
      "heddle.authorization.decision": "server could not be asked",
      ...policy,
    });
    expect(decided(asked, "UAEX")).toEqual({
      "heddle.authorization.decision": "refused by the server asked",
      ...policy,
    });
    expect(decided({ ...details("via_upstream"), ...asked })).toEqual({});
    const bad = "istio-ext-authz-auth-ns[shop]-policy[ask]-rule[0]-deny-due-to-bad-CUSTOM-action";
    expect(decided(details(`rbac_access_denied_matched_policy[${bad}]`))).toEqual({
      "heddle.authorization.decision": "no server to ask",
      ...policy,
    });
  });

  it("names what a policy that is tried out would have done, and nothing where nothing was denied", () => {
    expect(
      decided({
        ...details("via_upstream"),
        "heddle.authorization.dry_run.deny": "denied",
        "heddle.authorization.dry_run.deny_rule": "ns[shop]-policy[tried]-rule[0]",
      }),
    ).toEqual({
      "heddle.authorization.dry_run.deny": "denied",
      "heddle.authorization.dry_run.deny_rule": "shop/tried rule 0",
    });
    expect(decided(details("via_upstream"))).toEqual({});
    expect(readRuleName("none")).toBeUndefined();
  });
});
