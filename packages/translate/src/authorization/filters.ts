/**
 * What the policies of one workload become: filters that let in, refuse, ask or mark requests and connections. Pure, but for the
 * question which server a provider is.
 */
import type { RBAC as HttpRbac } from "@heddle/envoy/extensions/filters/http/rbac/v3";
import type { HttpFilter } from "@heddle/envoy/extensions/filters/network/http_connection_manager/v3";
import type { RBAC as NetworkRbac } from "@heddle/envoy/extensions/filters/network/rbac/v3";
import type { RBAC, RBAC_Action } from "@heddle/envoy/config/rbac/v3";
import type { Filter } from "@heddle/envoy/config/listener/v3";
import { type AuthorizationPolicy, isDryRun } from "@heddle/model";
import { NETWORK_RBAC_FILTER, RBAC_FILTER } from "../filter/names.ts";
import type { TrustDomains } from "../trust-domains.ts";
import { extension } from "../typed-config.ts";
import type { Place } from "./attributes.ts";
import { type AskedProvider, connectionsAskedOf, requestsAskedOf } from "./provider.ts";
import { type PolicyObject, rulesOf } from "./rules.ts";

export interface AuthorizationFilters {
  /** Servers are asked, for requests and connections alike, before anything else is looked at. */
  readonly http: { readonly asked: readonly HttpFilter[]; readonly judged: readonly HttpFilter[] };
  readonly tcp: { readonly asked: readonly Filter[]; readonly judged: readonly Filter[] };
  readonly told: Told;
  /** Hosts of the servers that are asked. */
  readonly servers: readonly string[];
}

/** What logs of requests and connections have to tell besides what Envoy says of a denial by itself. */
export interface Told {
  /** Policies mark some. */
  readonly audit?: boolean;
  /** A server is asked of some. */
  readonly custom?: boolean;
  /** Policies tell what they would do. */
  readonly dryRun?: boolean;
  /** Policies, `namespace/name`, one of which has to match; of what none did, Envoy says no name. */
  readonly allowing?: readonly string[];
}

export interface AuthorizationInput {
  /** All that are for the workload, of the mesh, its namespace and its own; their order makes no difference. */
  readonly policies: readonly PolicyObject[];
  readonly trustDomains: TrustDomains;
  /** Undefined for one that cannot be asked: what its policies are for is refused then. */
  readonly provider: (name: string) => AskedProvider | undefined;
}

export type Action = NonNullable<AuthorizationPolicy["action"]>;

export const NO_AUTHORIZATION: AuthorizationFilters = {
  http: { asked: [], judged: [] },
  tcp: { asked: [], judged: [] },
  told: {},
  servers: [],
};

/** In Istio's order: servers are asked first; then policies mark, deny and allow. */
export function authorizationFilters(input: AuthorizationInput): AuthorizationFilters {
  const of = (action: Action) => ofAction(input.policies, action);
  const custom = byProvider(of("CUSTOM"), input);
  const judged = (layer: Place["layer"]) =>
    JUDGING.flatMap(([action, envoys]) => {
      const policies = of(action);
      return policies.length > 0 ? [rulesAndShadows(policies, envoys, layer, input)] : [];
    });
  return {
    http: {
      asked: custom.flatMap((each) => askedForRequests(each, input)),
      judged: judged("http").map(httpFilter),
    },
    tcp: {
      asked: custom.flatMap((each) => askedForConnections(each, input)),
      judged: judged("tcp").map(networkFilter),
    },
    told: {
      ...(of("AUDIT").length > 0 ? { audit: true } : {}),
      ...(custom.some(({ asked }) => asked) ? { custom: true } : {}),
      ...(input.policies.some(({ metadata }) => isDryRun(metadata)) ? { dryRun: true } : {}),
      ...named(of("ALLOW").filter(({ metadata }) => !isDryRun(metadata))),
    },
    servers: custom.flatMap(({ asked }) => (asked ? [asked.host] : [])),
  };
}

export function ofAction(
  policies: readonly PolicyObject[],
  action: Action,
): readonly PolicyObject[] {
  return policies.filter(({ spec }) => (spec.action ?? "ALLOW") === action);
}

/** More would make every line of a log longer, and say little more. */
const MOST_NAMED = 10;

function named(policies: readonly PolicyObject[]): Pick<Told, "allowing"> {
  const names = policies.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
  if (names.length === 0) return {};
  return { allowing: names.toSorted().slice(0, MOST_NAMED) };
}

/** Actions in the order in which they are judged, with Envoy's words for them. */
export const JUDGING: readonly (readonly [Action, RBAC_Action])[] = [
  ["AUDIT", "LOG"],
  ["DENY", "DENY"],
  ["ALLOW", "ALLOW"],
];

type Judgement = Pick<HttpRbac, "rules" | "shadowRules" | "shadowRulesStatPrefix">;

/** Policies that only tell what they would do have rules of their own, which nothing depends on. */
function rulesAndShadows(
  policies: readonly PolicyObject[],
  action: RBAC_Action,
  layer: Place["layer"],
  { trustDomains }: AuthorizationInput,
): Judgement {
  const { wet, dry } = byDryRun(policies);
  const rules = (some: readonly PolicyObject[]) => rulesOf(some, { action, layer, trustDomains });
  return {
    ...(wet.length > 0 ? { rules: rules(wet) } : {}),
    ...(dry.length > 0
      ? {
          shadowRules: rules(dry),
          shadowRulesStatPrefix: action === "DENY" ? DRY_RUN_DENY : DRY_RUN_ALLOW,
        }
      : {}),
  };
}

/** Those that are in force apart from those that are tried out. */
export function byDryRun(policies: readonly PolicyObject[]) {
  const [dry, wet] = [true, false].map((tried) =>
    policies.filter(({ metadata }) => isDryRun(metadata) === tried),
  ) as [PolicyObject[], PolicyObject[]];
  return { wet, dry };
}

/** In front of what Envoy leaves of them in its metadata, and of their statistics. */
export const DRY_RUN_ALLOW = "istio_dry_run_allow_";
export const DRY_RUN_DENY = "istio_dry_run_deny_";
/** The same of rules that say which requests a server is asked of. */
export const CUSTOM = "istio_ext_authz_";
export const EFFECTIVE_POLICY = "shadow_effective_policy_id";
export const ENGINE_RESULT = "shadow_engine_result";

/** CUSTOM policies of one provider. */
export interface Custom {
  readonly policies: readonly PolicyObject[];
  /** In front of the names of their rules. */
  readonly prefix: string;
  readonly asked: AskedProvider | undefined;
}

/** Istio asks one server for a workload at most: with several it refuses what their policies are for. */
export function byProvider(
  policies: readonly PolicyObject[],
  { provider }: AuthorizationInput,
): readonly Custom[] {
  const names = [...new Set(policies.map(({ spec }) => spec.provider?.name ?? ""))].toSorted();
  return names.map((name) => ({
    policies: policies.filter(({ spec }) => (spec.provider?.name ?? "") === name),
    prefix: `istio-ext-authz-${name}`,
    asked: names.length > 1 ? undefined : provider(name),
  }));
}

/** A server that cannot be asked must not be a hole: what it would be asked of is refused, under a name that says why. */
const REFUSED = "-deny-due-to-bad-CUSTOM-action";

function askedForRequests(custom: Custom, input: AuthorizationInput): readonly HttpFilter[] {
  const { asked } = custom;
  if (!asked) return [httpFilter({ rules: customRules(custom, "http", input, REFUSED) })];
  return [
    httpFilter(shadow(customRules(custom, "http", input))),
    requestsAskedOf(asked, matchedIn(RBAC_FILTER, custom)),
  ];
}

function askedForConnections(custom: Custom, input: AuthorizationInput): readonly Filter[] {
  const { asked } = custom;
  if (!asked) return [networkFilter({ rules: customRules(custom, "tcp", input, REFUSED) })];
  const server = connectionsAskedOf(asked, matchedIn(NETWORK_RBAC_FILTER, custom));
  return server ? [networkFilter(shadow(customRules(custom, "tcp", input))), server] : [];
}

function customRules(
  { policies, prefix }: Custom,
  layer: Place["layer"],
  { trustDomains }: AuthorizationInput,
  suffix = "",
): RBAC {
  return rulesOf(policies, { action: "DENY", layer, trustDomains, prefix: `${prefix}-`, suffix });
}

/** Leaves the name of the rule that matches in the metadata, and does nothing else. */
function shadow(shadowRules: RBAC): Judgement {
  return { shadowRules, shadowRulesStatPrefix: CUSTOM };
}

/** Whether one of the rules has matched. */
function matchedIn(filter: string, { prefix }: Custom) {
  return {
    filter,
    path: [{ key: CUSTOM + EFFECTIVE_POLICY }],
    value: { stringMatch: { prefix } },
  };
}

function httpFilter(judgement: Judgement): HttpFilter {
  return extension<HttpRbac>(RBAC_FILTER, "envoy.extensions.filters.http.rbac.v3.RBAC", judgement);
}

function networkFilter(judgement: Judgement): Filter {
  return extension<NetworkRbac>(
    NETWORK_RBAC_FILTER,
    "envoy.extensions.filters.network.rbac.v3.RBAC",
    { statPrefix: "tcp.", ...judgement },
  );
}
