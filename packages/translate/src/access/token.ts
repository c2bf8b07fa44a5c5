/** Whether a request's token is taken, as RequestAuthentications say. Signatures and times are not looked at: a token that is told of is a good one. */
import {
  type AccessQuestion,
  type AccessStep,
  type JWTRule,
  type MeshObject,
  objectKey,
  type RequestAuthentication,
} from "@heddle/model";

interface Rule {
  readonly policy: string;
  readonly rule: JWTRule;
}

/** One step, or none where nobody reads tokens. */
export function tokenStep(
  authentications: readonly MeshObject<RequestAuthentication>[],
  claims: AccessQuestion["claims"],
): readonly AccessStep[] {
  const rules = authentications.flatMap((each) =>
    (each.spec.jwtRules ?? []).map((rule): Rule => ({ policy: objectKey(each), rule })),
  );
  return rules.length === 0 ? [] : [{ check: "request authentication", ...said(rules, claims) }];
}

type Said = Omit<AccessStep, "check">;

function said(rules: readonly Rule[], claims: AccessQuestion["claims"]): Said {
  const required = rules.filter(({ rule }) => rule.presence === "REQUIRED");
  if (claims === undefined)
    return {
      outcome: "depends",
      reason: `Tokens of ${issuersOf(rules)} are taken${required.length > 0 ? `, and one of ${issuersOf(required)} has to be there` : ""}; which the request has is not known.`,
      objects: keysOf(rules),
    };
  if (claims === null)
    return required.length > 0
      ? {
          outcome: "refused",
          reason: `There is no token, and one of ${issuersOf(required)} has to be there: 401.`,
          objects: keysOf(required),
          remedy:
            "Send a token of this issuer where its rule looks for it, or let its `presence` be OPTIONAL.",
        }
      : {
          outcome: "passes",
          reason: "There is no token, and none has to be there.",
          objects: keysOf(rules),
        };
  const issuer = String(claims["iss"] ?? "");
  const ofIssuer = rules.filter(({ rule }) => !rule.issuer || rule.issuer === issuer);
  if (ofIssuer.length === 0)
    return {
      outcome: "refused",
      reason: `Nobody takes tokens of ${issuer || "no issuer"}: 401. Those of ${issuersOf(rules)} are.`,
      objects: keysOf(rules),
      remedy:
        "Add the issuer to a RequestAuthentication for the workload, or send a token of another.",
    };
  const audiences = [claims["aud"] ?? []].flat().map(String);
  const good = ofIssuer.filter(
    ({ rule }) =>
      !rule.audiences?.length || rule.audiences.some((each) => audiences.includes(each)),
  );
  if (good.length === 0)
    return {
      outcome: "refused",
      reason: `The token is for ${audiences.join(", ") || "nobody"}, and has to be for one of ${ofIssuer.flatMap(({ rule }) => rule.audiences ?? []).join(", ")}: 403.`,
      objects: keysOf(ofIssuer),
      remedy: "Ask the issuer for a token of this audience, or add the audience to the rule.",
    };
  const others = required.filter((each) => !good.includes(each));
  if (others.length > 0)
    return {
      outcome: "refused",
      reason: `A token of ${issuersOf(others)} has to be there besides: 401.`,
      objects: keysOf(others),
      remedy: "Send a token of this issuer, too, or let its `presence` be OPTIONAL.",
    };
  return {
    outcome: "passes",
    reason: `The token of ${issuer || "its issuer"} is taken, where it is signed by the issuer and has not expired.`,
    objects: keysOf(good),
  };
}

function keysOf(rules: readonly Rule[]): readonly string[] {
  return [...new Set(rules.map(({ policy }) => policy))];
}

function issuersOf(rules: readonly Rule[]): string {
  return [...new Set(rules.map(({ rule }) => rule.issuer || "any issuer"))].join(", ");
}
