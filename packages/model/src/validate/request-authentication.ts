/** Rules of a RequestAuthentication that its schema cannot say. */
import { claimPath } from "../claims.ts";
import { doubtfulKeys, jwksError } from "../jwks.ts";
import type { JWTRule, RequestAuthentication } from "../kinds/request-authentication.ts";
import { tokenPlaces } from "../token-places.ts";
import { isHeaderName } from "./header.ts";
import { checkPolicyTarget } from "./policy-target.ts";
import type { Report } from "./report.ts";
import { urlScheme } from "./url.ts";

export function checkRequestAuthentication(spec: RequestAuthentication, report: Report): void {
  checkPolicyTarget(spec, report);
  const rules = spec.jwtRules ?? [];
  for (const [index, rule] of rules.entries()) {
    const path = `spec.jwtRules[${index}]`;
    checkRule(rule, path, report);
    checkHeaders(rule, rules, path, report);
    checkPresence(rule, rules.slice(0, index), path, report);
  }
}

function checkRule({ issuer, jwksUri, jwks }: JWTRule, path: string, report: Report): void {
  if (!issuer && !jwksUri) {
    report({
      code: "HDL0012",
      path: `${path}.issuer`,
      message: "issuer or jwksUri is required",
      remedy: "Add issuer, which the token's iss claim has to equal.",
    });
  }
  if (jwksUri !== undefined && jwks !== undefined) {
    report({
      code: "HDL0022",
      path: `${path}.jwks`,
      message: "only one of jwks and jwksUri can be set",
      remedy: "Keep one of them.",
    });
  }
  const scheme = jwksUri === undefined ? "https" : urlScheme(jwksUri);
  if (scheme !== "http" && scheme !== "https") {
    report({
      code: "HDL0036",
      path: `${path}.jwksUri`,
      message: `jwksUri must be a url of scheme http:// or https://, not ${JSON.stringify(jwksUri)}`,
      remedy: "Write it like https://example.com/.well-known/jwks.json.",
    });
  }
  if (jwks) checkKeys(jwks, path, report);
  else if (jwksUri === undefined && issuer) checkIssuer(issuer, path, report);
}

function checkKeys(jwks: string, path: string, report: Report): void {
  const wrong = jwksError(jwks);
  if (wrong) {
    report({
      code: "HDL0036",
      path: `${path}.jwks`,
      message: `jwks cannot be parsed: ${wrong}`,
      remedy: "Give a JSON Web Key Set (RFC 7517) as text.",
    });
    return;
  }
  for (const { index, what } of doubtfulKeys(jwks)) {
    const at = `${path}.jwks`;
    if (what === "private") {
      report({
        code: "HDL0032",
        path: at,
        message: `jwks key ${index} has private key material, of which only the public part is used`,
        remedy: "Take the private parts out: this object is no place for a secret.",
      });
    } else if (what === "shared") {
      report({
        code: "HDL0053",
        path: at,
        message: `jwks key ${index} is a shared secret: whoever reads this object can sign tokens with it`,
        remedy: "Let the issuer sign with a key pair, as RS256 or ES256, and give its public key.",
      });
    } else {
      report({
        code: "HDL0053",
        path: at,
        message: `jwks key ${index} is passed over: it ${what.unfit}`,
        remedy: "Give a public key of the issuer's that signatures are checked with.",
      });
    }
  }
}

/** Keys are looked for where OpenID Connect Discovery has them, which takes an issuer that is a URL. */
function checkIssuer(issuer: string, path: string, report: Report): void {
  const scheme = urlScheme(issuer);
  if (scheme === "http" || scheme === "https") return;
  report({
    code: "HDL0052",
    path: `${path}.issuer`,
    message: `nothing says where the keys of ${JSON.stringify(issuer)} are: it is no URL that could be asked`,
    remedy: "Add jwksUri, or the keys themselves as jwks.",
  });
}

function checkHeaders(
  { fromHeaders = [], outputPayloadToHeader, outputClaimToHeaders = [] }: JWTRule,
  rules: readonly JWTRule[],
  path: string,
  report: Report,
): void {
  const named = [
    ...fromHeaders.map(({ name }, index) => ({ name, at: `fromHeaders[${index}].name` })),
    ...(outputPayloadToHeader
      ? [{ name: outputPayloadToHeader, at: "outputPayloadToHeader" }]
      : []),
  ];
  for (const { name, at } of named) {
    if (isHeaderName(name)) continue;
    report({
      code: "HDL0026",
      path: `${path}.${at}`,
      message: `"${name}" is not a header's name`,
    });
  }
  const places = new Set(rules.flatMap((rule) => tokenPlaces(rule)));
  const written = [
    ...(outputPayloadToHeader
      ? [{ name: outputPayloadToHeader, at: "outputPayloadToHeader" }]
      : []),
    ...outputClaimToHeaders.map(({ header }, index) => ({
      name: header,
      at: `outputClaimToHeaders[${index}].header`,
    })),
  ];
  for (const { name, at } of written) {
    if (!places.has(`header ${name.toLowerCase()}`)) continue;
    report({
      code: "HDL0050",
      path: `${path}.${at}`,
      message: `header ${name} is where a token is looked for, and what is written to it is taken off requests before: no token would ever be found there`,
      remedy: "Write to another header.",
    });
  }
  for (const [index, { claim }] of outputClaimToHeaders.entries()) {
    if (claim === "" || claimPath(claim) !== undefined) continue;
    report({
      code: "HDL0036",
      path: `${path}.outputClaimToHeaders[${index}].claim`,
      message: `"${claim}" does not lead to a claim: a name in it is empty`,
      remedy: "Name it like a.b, or [a][b] where dots are part of a name.",
    });
  }
}

function checkPresence(
  rule: JWTRule,
  before: readonly JWTRule[],
  path: string,
  report: Report,
): void {
  if (rule.presence !== "REQUIRED") return;
  const places = new Set(tokenPlaces(rule));
  const other = before.find(
    (each) => each.presence === "REQUIRED" && tokenPlaces(each).some((place) => places.has(place)),
  );
  if (other === undefined) return;
  report({
    code: "HDL0051",
    path: `${path}.presence`,
    message: `a token of ${nameOf(rule)} and one of ${nameOf(other)} are REQUIRED in the same place: no request can have both`,
    remedy: "Make one of them OPTIONAL, or look for them in different places.",
  });
}

function nameOf({ issuer, jwksUri }: JWTRule): string {
  return issuer ?? jwksUri ?? "an issuer without a name";
}
