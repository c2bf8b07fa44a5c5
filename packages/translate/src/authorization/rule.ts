/** One rule of a policy as Envoy has it: what is done, and by whom. */
import type { Permission, Policy, Principal } from "@heddle/envoy/config/rbac/v3";
import type { AuthorizationOperation, AuthorizationRule, AuthorizationSource } from "@heddle/model";
import {
  address,
  type Attribute,
  attributeOf,
  host,
  method,
  namespace,
  path,
  type Place,
  port,
  principal,
  remoteAddress,
  serviceAccount,
  tokenPrincipal,
  trustDomain,
} from "./attributes.ts";

/** What a rule does with an attribute that cannot be judged, such as a header of a connection. */
export type Unjudged =
  /** The rule lets in: it is left out, for it would let in too much. */
  | "leave the rule out"
  /** The rule denies, asks or marks: the attribute is left out, and the rule is for more than was said. */
  | "leave the attribute out";

/** Undefined where the rule is left out. */
export function policyOf(
  rule: AuthorizationRule,
  place: Place,
  unjudged: Unjudged,
): Policy | undefined {
  const { sources, operations, unknown } = termsOf(rule, place);
  if (unjudged === "leave the rule out" && unknown.length > 0) return undefined;
  return {
    permissions: operations.map((terms) => permissionOf(terms, place)),
    principals: sources.map((terms) => principalOf(terms, place)),
  };
}

/** A rule matches where all terms of one of `sources` hold, and all of one of `operations`. */
export interface RuleTerms {
  readonly sources: readonly (readonly JudgedTerm[])[];
  readonly operations: readonly (readonly JudgedTerm[])[];
  /** Fields that cannot be judged at the place. */
  readonly unknown: readonly string[];
}

export function termsOf(
  { from = [], to = [], when = [] }: AuthorizationRule,
  place: Place,
): RuleTerms {
  const conditions = when.map(({ key, values, notValues }): Term => ({
    field: `when ${key}`,
    attribute: attributeOf(key),
    values,
    notValues,
  }));
  const sources = (from.length > 0 ? from : [{}]).map((each) => [
    ...sourceTerms(each.source ?? {}),
    ...conditions.filter(({ attribute }) => attribute?.side !== "operation"),
  ]);
  const operations = (to.length > 0 ? to : [{}]).map((each) => [
    ...operationTerms(each.operation ?? {}),
    ...conditions.filter(({ attribute }) => attribute?.side === "operation"),
  ]);
  const judged = (terms: readonly Term[]) =>
    terms.filter((term): term is JudgedTerm => isJudged(term, place));
  const unknown = [...sources, ...operations].flat().filter((term) => !isJudged(term, place));
  return {
    sources: sources.map(judged),
    operations: operations.map(judged),
    unknown: [...new Set(unknown.map(({ field }) => field))],
  };
}

/** Any of some values, and none of others. */
export interface Term {
  /** As people know it: `source.principals`, `when request.headers[x-team]`. */
  readonly field: string;
  readonly attribute: Attribute | undefined;
  readonly values?: readonly string[] | undefined;
  readonly notValues?: readonly string[] | undefined;
}

export type JudgedTerm = Term & { readonly attribute: Attribute };

function sourceTerms(source: AuthorizationSource): readonly Term[] {
  return given([
    {
      field: "source.principals",
      attribute: principal,
      values: source.principals,
      notValues: source.notPrincipals,
    },
    {
      field: "source.requestPrincipals",
      attribute: tokenPrincipal,
      values: source.requestPrincipals,
      notValues: source.notRequestPrincipals,
    },
    {
      field: "source.serviceAccounts",
      attribute: serviceAccount,
      values: source.serviceAccounts,
      notValues: source.notServiceAccounts,
    },
    {
      field: "source.trustDomains",
      attribute: trustDomain,
      values: source.trustDomains,
      notValues: source.notTrustDomains,
    },
    {
      field: "source.namespaces",
      attribute: namespace,
      values: source.namespaces,
      notValues: source.notNamespaces,
    },
    {
      field: "source.remoteIpBlocks",
      attribute: remoteAddress,
      values: source.remoteIpBlocks,
      notValues: source.notRemoteIpBlocks,
    },
    {
      field: "source.ipBlocks",
      attribute: address,
      values: source.ipBlocks,
      notValues: source.notIpBlocks,
    },
  ]);
}

function operationTerms(operation: AuthorizationOperation): readonly Term[] {
  return given([
    {
      field: "operation.hosts",
      attribute: host,
      values: operation.hosts,
      notValues: operation.notHosts,
    },
    {
      field: "operation.methods",
      attribute: method,
      values: operation.methods,
      notValues: operation.notMethods,
    },
    {
      field: "operation.paths",
      attribute: path,
      values: operation.paths,
      notValues: operation.notPaths,
    },
    {
      field: "operation.ports",
      attribute: port,
      values: operation.ports,
      notValues: operation.notPorts,
    },
  ]);
}

function given(terms: readonly Term[]): readonly Term[] {
  return terms.filter(({ values = [], notValues = [] }) => values.length + notValues.length > 0);
}

function isJudged({ attribute }: Term, { layer }: Place): boolean {
  return attribute !== undefined && (layer === "http" || !attribute.http);
}

function permissionOf(terms: readonly JudgedTerm[], place: Place): Permission {
  const rules = terms.flatMap(({ attribute, values = [], notValues = [] }): Permission[] => {
    if (attribute.side !== "operation") return [];
    const no = notValues.length > 0 ? attribute.anyOf(notValues, place) : undefined;
    return [
      ...(values.length > 0 ? [attribute.anyOf(values, place)] : []),
      ...(no ? [{ notRule: no }] : []),
    ];
  });
  return { andRules: { rules: rules.length > 0 ? rules : [{ any: true }] } };
}

function principalOf(terms: readonly JudgedTerm[], place: Place): Principal {
  const ids = terms.flatMap(({ attribute, values = [], notValues = [] }): Principal[] => {
    if (attribute.side !== "source") return [];
    const no = notValues.length > 0 ? attribute.anyOf(notValues, place) : undefined;
    return [
      ...(values.length > 0 ? [attribute.anyOf(values, place)] : []),
      ...(no ? [{ notId: no }] : []),
    ];
  });
  return { andIds: { ids: ids.length > 0 ? ids : [{ any: true }] } };
}
