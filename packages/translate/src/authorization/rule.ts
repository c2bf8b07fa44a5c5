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
  { from = [], to = [], when = [] }: AuthorizationRule,
  place: Place,
  unjudged: Unjudged,
): Policy | undefined {
  const conditions = when.map(({ key, values, notValues }): Term => ({
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
  const judged = (terms: readonly Term[]) => terms.filter((term) => isJudged(term, place));
  if (
    unjudged === "leave the rule out" &&
    [...sources, ...operations].some((terms) => judged(terms).length < terms.length)
  ) {
    return undefined;
  }
  return {
    permissions: operations.map((terms) => permissionOf(judged(terms), place)),
    principals: sources.map((terms) => principalOf(judged(terms), place)),
  };
}

/** Any of some values, and none of others. */
interface Term {
  readonly attribute: Attribute | undefined;
  readonly values?: readonly string[] | undefined;
  readonly notValues?: readonly string[] | undefined;
}

function sourceTerms(source: AuthorizationSource): readonly Term[] {
  return given([
    { attribute: principal, values: source.principals, notValues: source.notPrincipals },
    {
      attribute: tokenPrincipal,
      values: source.requestPrincipals,
      notValues: source.notRequestPrincipals,
    },
    {
      attribute: serviceAccount,
      values: source.serviceAccounts,
      notValues: source.notServiceAccounts,
    },
    { attribute: trustDomain, values: source.trustDomains, notValues: source.notTrustDomains },
    { attribute: namespace, values: source.namespaces, notValues: source.notNamespaces },
    {
      attribute: remoteAddress,
      values: source.remoteIpBlocks,
      notValues: source.notRemoteIpBlocks,
    },
    { attribute: address, values: source.ipBlocks, notValues: source.notIpBlocks },
  ]);
}

function operationTerms(operation: AuthorizationOperation): readonly Term[] {
  return given([
    { attribute: host, values: operation.hosts, notValues: operation.notHosts },
    { attribute: method, values: operation.methods, notValues: operation.notMethods },
    { attribute: path, values: operation.paths, notValues: operation.notPaths },
    { attribute: port, values: operation.ports, notValues: operation.notPorts },
  ]);
}

function given(terms: readonly Term[]): readonly Term[] {
  return terms.filter(({ values = [], notValues = [] }) => values.length + notValues.length > 0);
}

function isJudged({ attribute }: Term, { layer }: Place): boolean {
  return attribute !== undefined && (layer === "http" || !attribute.http);
}

function permissionOf(terms: readonly Term[], place: Place): Permission {
  const rules = terms.flatMap(({ attribute, values = [], notValues = [] }): Permission[] => {
    if (attribute?.side !== "operation") return [];
    const no = notValues.length > 0 ? attribute.anyOf(notValues, place) : undefined;
    return [
      ...(values.length > 0 ? [attribute.anyOf(values, place)] : []),
      ...(no ? [{ notRule: no }] : []),
    ];
  });
  return { andRules: { rules: rules.length > 0 ? rules : [{ any: true }] } };
}

function principalOf(terms: readonly Term[], place: Place): Principal {
  const ids = terms.flatMap(({ attribute, values = [], notValues = [] }): Principal[] => {
    if (attribute?.side !== "source") return [];
    const no = notValues.length > 0 ? attribute.anyOf(notValues, place) : undefined;
    return [
      ...(values.length > 0 ? [attribute.anyOf(values, place)] : []),
      ...(no ? [{ notId: no }] : []),
    ];
  });
  return { andIds: { ids: ids.length > 0 ? ids : [{ any: true }] } };
}
