/** RequestAuthentication of security.istio.io: which JSON Web Tokens a workload takes, and where it finds them. */
import type { PolicyTarget } from "./policy-target.ts";

export interface RequestAuthentication extends PolicyTarget {
  readonly jwtRules?: readonly JWTRule[];
}

export interface JWTRule {
  readonly issuer?: string;
  readonly audiences?: readonly string[];
  /** At most one of jwksUri and jwks; without either the issuer is asked where its keys are. */
  readonly jwksUri?: string;
  readonly jwks?: string;
  readonly fromHeaders?: readonly JWTHeader[];
  readonly fromParams?: readonly string[];
  readonly fromCookies?: readonly string[];
  readonly outputPayloadToHeader?: string;
  readonly outputClaimToHeaders?: readonly ClaimToHeader[];
  readonly forwardOriginalToken?: boolean;
  /** Of fetching the keys. */
  readonly timeout?: string;
  /** Claims that hold several values with spaces between, besides `scope` and `permission`. */
  readonly spaceDelimitedClaims?: readonly string[];
  /** Whether a request without this token is refused; OPTIONAL where it is left out. */
  readonly presence?: "OPTIONAL" | "REQUIRED";
}

export interface JWTHeader {
  readonly name: string;
  readonly prefix?: string;
}

export interface ClaimToHeader {
  readonly header: string;
  readonly claim: string;
}
