/** Rules of a RequestAuthentication that its schema cannot say. */
import type { JWTRule, RequestAuthentication } from "../kinds/request-authentication.ts";
import { jwksError, privateKeys } from "./jwks.ts";
import { checkPolicyTarget } from "./policy-target.ts";
import type { Report } from "./report.ts";
import { urlScheme } from "./url.ts";

export function checkRequestAuthentication(spec: RequestAuthentication, report: Report): void {
  checkPolicyTarget(spec, report);
  for (const [index, rule] of (spec.jwtRules ?? []).entries()) {
    checkRule(rule, `spec.jwtRules[${index}]`, report);
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
  if (!jwks) return;
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
  for (const index of privateKeys(jwks)) {
    report({
      code: "HDL0032",
      path: `${path}.jwks`,
      message: `jwks key ${index} has private key material, of which only the public part is used`,
      remedy: "Take the private parts out: this object is no place for a secret.",
    });
  }
}
