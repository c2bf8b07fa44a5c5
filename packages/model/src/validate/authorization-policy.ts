/** Rules of an AuthorizationPolicy that its schema cannot say. */
import type {
  AuthorizationCondition,
  AuthorizationOperation,
  AuthorizationPolicy,
  AuthorizationRule,
  AuthorizationSource,
} from "../kinds/authorization-policy.ts";
import {
  attributeError,
  checkAddresses,
  checkNotEmpty,
  checkPathTemplates,
  checkPorts,
  checkServiceAccounts,
  checkTrustDomains,
} from "./authorization-values.ts";
import { checkPolicyTarget } from "./policy-target.ts";
import type { Report } from "./report.ts";

export function checkAuthorizationPolicy(spec: AuthorizationPolicy, report: Report): void {
  checkPolicyTarget(spec, report);
  const { action = "ALLOW", rules = [], provider } = spec;
  if (rules.length === 0 && (action === "DENY" || action === "CUSTOM")) {
    report({
      code: "HDL0023",
      path: "spec.rules",
      message: `${action} without rules is never triggered`,
      remedy: "Add rules; the empty rule {} matches every request.",
    });
  } else if (action === "CUSTOM" && !provider?.name) {
    report({
      code: "HDL0012",
      path: "spec.provider.name",
      message: "provider.name is required with action CUSTOM",
    });
  }
  if (provider && action !== "CUSTOM") {
    report({
      code: "HDL0022",
      path: "spec.provider",
      message: `provider can be set only with action CUSTOM, not with ${action}`,
    });
  }
  for (const [index, rule] of rules.entries()) {
    const path = `spec.rules[${index}]`;
    checkRule(rule, path, report);
    if (action === "CUSTOM") checkCustom(rule, path, report);
    if (action === "DENY") checkTcpDenial(rule, path, report);
  }
}

function checkRule({ from, to, when }: AuthorizationRule, path: string, report: Report): void {
  const empty = (at: string, what: string) =>
    report({
      code: "HDL0023",
      path: at,
      message: `${what} must not be empty`,
      remedy: "Leave it out to match everything.",
    });
  if (from?.length === 0) empty(`${path}.from`, "from");
  if (to?.length === 0) empty(`${path}.to`, "to");
  for (const [index, { source }] of (from ?? []).entries()) {
    const at = `${path}.from[${index}].source`;
    if (!source || !hasValues(source)) empty(at, "from.source");
    else checkSource(source, at, report);
  }
  for (const [index, { operation }] of (to ?? []).entries()) {
    const at = `${path}.to[${index}].operation`;
    if (!operation || !hasValues(operation)) empty(at, "to.operation");
    else checkOperation(operation, at, report);
  }
  for (const [index, condition] of (when ?? []).entries()) {
    checkCondition(condition, `${path}.when[${index}]`, report);
  }
}

function hasValues(lists: AuthorizationSource | AuthorizationOperation): boolean {
  return Object.values(lists).some((values: readonly string[]) => values.length > 0);
}

function checkSource(source: AuthorizationSource, path: string, report: Report): void {
  const accounts = source.serviceAccounts ?? source.notServiceAccounts;
  const beside = (["principals", "notPrincipals", "namespaces", "notNamespaces"] as const).filter(
    (field) => source[field] !== undefined,
  );
  if (accounts && beside.length > 0) {
    report({
      code: "HDL0022",
      path: `${path}.${beside[0]!}`,
      message: `a source cannot set serviceAccounts with namespaces or principals (${beside.join(", ")})`,
      remedy: "Make them sources of their own, or keep one of them.",
    });
  }
  for (const [field, values] of entriesOf(source)) {
    const at = `${path}.${field}`;
    switch (field) {
      case "ipBlocks":
      case "notIpBlocks":
      case "remoteIpBlocks":
      case "notRemoteIpBlocks":
        checkAddresses(values, at, report);
        break;
      case "serviceAccounts":
      case "notServiceAccounts":
        checkServiceAccounts(values, at, report);
        break;
      case "trustDomains":
      case "notTrustDomains":
        checkTrustDomains(values, at, report);
        break;
      default:
        checkNotEmpty(values, at, report);
    }
  }
}

function checkOperation(operation: AuthorizationOperation, path: string, report: Report): void {
  for (const [field, values] of entriesOf(operation)) {
    const at = `${path}.${field}`;
    if (field === "ports" || field === "notPorts") checkPorts(values, at, report);
    else if (!checkNotEmpty(values, at, report)) continue;
    else if (field === "paths" || field === "notPaths") checkPathTemplates(values, at, report);
  }
}

function entriesOf<Lists extends object>(lists: Lists) {
  return Object.entries(lists) as [keyof Lists, readonly string[]][];
}

function checkCondition(condition: AuthorizationCondition, path: string, report: Report): void {
  const { key, values = [], notValues = [] } = condition;
  if (key === "") {
    report({ code: "HDL0023", path: `${path}.key`, message: "key must not be empty" });
    return;
  }
  if (values.length + notValues.length === 0) {
    report({
      code: "HDL0012",
      path: `${path}.values`,
      message: `values or notValues is required for key ${key}`,
    });
    return;
  }
  const unknown = attributeError(key);
  if (unknown) {
    report({ code: "HDL0013", path: `${path}.key`, ...unknown });
    return;
  }
  for (const [field, list] of [
    ["values", values],
    ["notValues", notValues],
  ] as const) {
    const at = `${path}.${field}`;
    if (!checkNotEmpty(list, at, report)) continue;
    if (/^(?:source|remote|destination)\.ip$/.test(key)) checkAddresses(list, at, report);
    else if (key === "destination.port") checkPorts(list, at, report);
    else if (key === "source.serviceAccount") checkServiceAccounts(list, at, report);
    else if (key === "source.trustDomain") checkTrustDomains(list, at, report, true);
  }
}

/** The peer's identity and the token are not yet known where an external authorizer is asked. */
function checkCustom({ from, when }: AuthorizationRule, path: string, report: Report): void {
  const no = (at: string, what: string) =>
    report({
      code: "HDL0022",
      path: at,
      message: `${what} is not supported with action CUSTOM`,
      remedy: "Match by other attributes, or add a policy of action DENY.",
    });
  for (const [index, { source = {} }] of (from ?? []).entries()) {
    for (const [field, values] of entriesOf(source)) {
      if (values.length === 0 || /ipblocks$/i.test(field)) continue;
      no(`${path}.from[${index}].source.${field}`, field);
    }
  }
  for (const [index, { key }] of (when ?? []).entries()) {
    const identity = /^source\.(?:namespace|serviceAccount|trustDomain|principal)$/.test(key);
    if (identity || key.startsWith("request.auth.")) no(`${path}.when[${index}].key`, key);
  }
}

/** What only HTTP has counts as matched on plain connections, so that a denial by it alone denies them all. */
function checkTcpDenial({ from = [], to = [] }: AuthorizationRule, path: string, report: Report) {
  const forTcp = from.some(({ source = {} }) =>
    entriesOf(source).some(
      ([field]) => !/^(?:not)?(?:requestPrincipals|trustDomains)$/i.test(field),
    ),
  );
  const ports = to.some(({ operation }) => operation?.ports ?? operation?.notPorts);
  const fromThere = from.some(({ source }) => source);
  const toThere = to.some(({ operation }) => operation);
  if (!((fromThere && !toThere && !forTcp) || (toThere && !ports))) return;
  report({
    code: "HDL0032",
    path,
    message: "a DENY rule with nothing but attributes of HTTP denies all traffic to TCP ports",
    remedy: "Name the ports that it is for in to.operation.ports.",
  });
}
