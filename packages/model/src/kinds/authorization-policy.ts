/** AuthorizationPolicy of security.istio.io: who may do what with a workload. */
import type { PolicyTarget } from "./policy-target.ts";

export interface AuthorizationPolicy extends PolicyTarget {
  /** Without rules ALLOW matches nothing, so that nothing is allowed; a rule `{}` matches everything. */
  readonly rules?: readonly AuthorizationRule[];
  /** ALLOW where it is left out. */
  readonly action?: "ALLOW" | "DENY" | "AUDIT" | "CUSTOM";
  /** Of CUSTOM alone: one of the mesh's extension providers. */
  readonly provider?: { readonly name?: string };
}

/** Matches when one of from, one of to, and all of when match; what is left out matches. */
export interface AuthorizationRule {
  readonly from?: readonly { readonly source?: AuthorizationSource }[];
  readonly to?: readonly { readonly operation?: AuthorizationOperation }[];
  readonly when?: readonly AuthorizationCondition[];
}

/** Values match whole, or by prefix (`abc*`), suffix (`*abc`) or presence (`*`). */
export interface AuthorizationSource {
  readonly principals?: readonly string[];
  readonly notPrincipals?: readonly string[];
  readonly requestPrincipals?: readonly string[];
  readonly notRequestPrincipals?: readonly string[];
  readonly namespaces?: readonly string[];
  readonly notNamespaces?: readonly string[];
  /** `name` in the policy's namespace, or `namespace/name`. */
  readonly serviceAccounts?: readonly string[];
  readonly notServiceAccounts?: readonly string[];
  readonly trustDomains?: readonly string[];
  readonly notTrustDomains?: readonly string[];
  readonly ipBlocks?: readonly string[];
  readonly notIpBlocks?: readonly string[];
  readonly remoteIpBlocks?: readonly string[];
  readonly notRemoteIpBlocks?: readonly string[];
}

export interface AuthorizationOperation {
  readonly hosts?: readonly string[];
  readonly notHosts?: readonly string[];
  readonly ports?: readonly string[];
  readonly notPorts?: readonly string[];
  readonly methods?: readonly string[];
  readonly notMethods?: readonly string[];
  /** Also templates with `{*}` and `{**}`. */
  readonly paths?: readonly string[];
  readonly notPaths?: readonly string[];
}

export interface AuthorizationCondition {
  /** An attribute, such as `request.headers[x-token]`. */
  readonly key: string;
  readonly values?: readonly string[];
  readonly notValues?: readonly string[];
}
