/** Routes to a service that has a fallback: failures are led there, or answered by the proxy itself. */
import type { Route, RouteAction } from "@heddle/envoy/config/route/v3";
import type { LuaConfig } from "@heddle/envoy/extensions/router/cluster_specifiers/lua/v3";
import { durationOf, labelsMatch, millisecondsToProto, parseDuration } from "@heddle/model";
import { destinationCluster, fallbackCluster } from "../cluster/fallback.ts";
import { type EffectivePolicy, placedPolicy, policyFor } from "../cluster/policy.ts";
import { isOrdered, placesOf } from "../endpoint/locality.ts";
import { fallbackResponse, luaText } from "../filter/fallback-response.ts";
import { FALLBACK_RESPONSE_FILTER } from "../filter/names.ts";
import { type Fallback, fallbacksOf, isFor } from "../form/fallback.ts";
import type { ClientView, ModelReader } from "../read.ts";
import { extension } from "../typed-config.ts";
import { previousPriorities } from "./retries.ts";
import type { RouteFeature } from "./rule.ts";

/** After everything that says where requests go and how often they are tried. */
export const fallback: RouteFeature = {
  name: "fallback",
  apply: (route, rule, { read, view, plain }) =>
    plain ? route : withFallback(route, { read, view, name: rule.name }),
};

interface Context {
  readonly read: ModelReader;
  readonly view: ClientView;
  /** Of the rule that the route is of. */
  readonly name?: string | undefined;
}

/** One of the clusters that a route leads to. */
interface Target {
  readonly cluster: string;
  readonly host: string;
  readonly port: number;
  readonly subset: string;
  readonly fallback: Fallback | undefined;
}

export function withFallback(route: Route, context: Context): Route {
  const { route: action } = route;
  const targets = targetsOf(action, context);
  const [first] = targets.flatMap((target) => target.fallback ?? []);
  if (action === undefined || first === undefined) return route;
  const [answering] = targets.flatMap(({ fallback: { response } = {} }, index) =>
    response ? [targets[index]?.fallback as Fallback] : [],
  );
  const led = ledOn(action, targets, context);
  const tried = {
    ...led,
    retryPolicy:
      led === action
        ? ownRetries(first, action)
        : ledRetries(first, action, Math.max(...targets.map((each) => places(each, context)))),
  };
  if (answering?.response === undefined) return { ...route, route: tried };
  return {
    ...route,
    route: tried,
    typedPerFilterConfig: {
      ...route.typedPerFilterConfig,
      [FALLBACK_RESPONSE_FILTER]: fallbackResponse(answering.statuses, answering.response),
    },
  };
}

function targetsOf(action: RouteAction | undefined, { read, view, name }: Context): Target[] {
  const weighted = action?.weightedClusters?.clusters?.map((each) => each.name ?? "");
  return (weighted ?? [action?.cluster ?? ""]).map((cluster) => {
    const [, port = "", subset = "", host = ""] = cluster.split("|");
    const declared = host === "" ? [] : fallbacksOf(read, host, read.clusterScope(host, view));
    const found = declared.find((each) => isFor(each, subset, name));
    return { cluster, host, port: Number(port), subset, fallback: found };
  });
}

/** The same action where no fallback has a destination. */
function ledOn(action: RouteAction, targets: readonly Target[], context: Context): RouteAction {
  const names = targets.map(({ cluster, fallback: found, ...of }) =>
    found?.destination ? fallbackCluster(found, of) : cluster,
  );
  if (names.every((name, index) => name === targets[index]?.cluster)) return action;
  const { weightedClusters, cluster: _cluster, ...rest } = action;
  if (weightedClusters) {
    const clusters = (weightedClusters.clusters ?? []).map((each, index) => ({
      ...each,
      name: names[index] ?? "",
    }));
    return { ...rest, weightedClusters: { ...weightedClusters, clusters } };
  }
  const [target, name = ""] = [targets[0], names[0]];
  const script = target && overflowScript(target, name, context);
  return script
    ? { ...rest, inlineClusterSpecifierPlugin: { extension: chosenBy(script, name) } }
    : { ...rest, cluster: name };
}

/**
 * What a circuit breaker refuses Envoy never tries elsewhere. So where there are limits, the cluster is asked before how full it
 * is. Undefined without limits.
 */
function overflowScript(target: Target, aggregate: string, context: Context): string | undefined {
  const { cluster, port, fallback: found } = target;
  const { http2MaxRequests, http1MaxPendingRequests } =
    policyOf(target, context).connectionPool?.http ?? {};
  const full = [
    ...(http2MaxRequests ? [`primary:numRequests() >= ${http2MaxRequests}`] : []),
    ...(http1MaxPendingRequests
      ? [`primary:numPendingRequests() >= ${http1MaxPendingRequests}`]
      : []),
  ];
  if (full.length === 0 || found?.destination === undefined) return undefined;
  return [
    "function envoy_on_route(handle)",
    `  local primary = handle:getCluster(${luaText(cluster)})`,
    `  if primary ~= nil and (${full.join(" or ")}) then`,
    `    return ${luaText(destinationCluster(context.read, found.destination, port))}`,
    "  end",
    `  return ${luaText(aggregate)}`,
    "end",
  ].join("\n");
}

function chosenBy(script: string, defaultCluster: string) {
  return extension<LuaConfig>(
    "envoy.router.cluster_specifier_plugin.lua",
    "envoy.extensions.router.cluster_specifiers.lua.v3.LuaConfig",
    { sourceCode: { inlineString: script }, defaultCluster },
  );
}

const ELSEWHERE = previousPriorities(1);

type RetryPolicy = NonNullable<RouteAction["retryPolicy"]>;

/** In place of a rule's own retries: each attempt goes to the next place of the service, and the one after them to the fallback. */
function ledRetries(fallback: Fallback, action: RouteAction, tries: number): RetryPolicy {
  return {
    retryOn:
      "reset,connect-failure,refused-stream,unavailable,cancelled,resource-exhausted,retriable-status-codes",
    retriableStatusCodes: fallback.statuses,
    retryPriority: ELSEWHERE,
    numRetries: tries,
    perTryTimeout: perTry(fallback, action, tries),
  };
}

/** The rule's own; where it repeats what took too long, its attempts share the time. */
function ownRetries(fallback: Fallback, action: RouteAction): RetryPolicy {
  const own = action.retryPolicy ?? { retryOn: "connect-failure", numRetries: 0 };
  const repeated = own.retryOn?.split(",").some((each) => AFTER_TIME_OUT.has(each)) ?? false;
  const tries = repeated ? 1 + Number(own.numRetries ?? 1) : 1;
  return { ...own, perTryTimeout: perTry(fallback, action, tries) };
}

/** Conditions by which Envoy repeats an attempt that has run out of its time. */
const AFTER_TIME_OUT: ReadonlySet<string> = new Set(["5xx", "gateway-error", "reset"]);

/** `after` is for all attempts together that come before the fallback. */
function perTry({ after }: Fallback, { retryPolicy }: RouteAction, tries: number): string {
  const asked = typeof retryPolicy?.perTryTimeout === "string" ? retryPolicy.perTryTimeout : "";
  return millisecondsToProto(Math.min(durationOf(asked) ?? Infinity, parseDuration(after) / tries));
}

/** In how many places, one after the other, a service is asked before its fallback is. */
function places(target: Target, context: Context): number {
  const { read, view } = context;
  const { host, port } = target;
  const scope = read.clusterScope(host, view);
  const service = read.service(host, scope);
  if (service === undefined) return 1;
  const policy = placedPolicy(policyOf(target, context), service);
  const { labels: chosen } = subsetOf(target, context) ?? {};
  // Read only where an order makes them count.
  const endpoints = isOrdered(policy) ? read.endpoints(service, port) : [];
  return placesOf(
    endpoints.filter(({ labels }) => labelsMatch(chosen, labels)),
    policy,
  );
}

function subsetOf({ host, subset }: Target, { read, view }: Context) {
  const rule = read.destinationRule(host, read.clusterScope(host, view))?.spec;
  return rule?.subsets?.find(({ name }) => name === subset);
}

function policyOf(target: Target, context: Context): EffectivePolicy {
  const { host, port } = target;
  const { read, view } = context;
  const rule = read.destinationRule(host, read.clusterScope(host, view))?.spec;
  return policyFor(rule, subsetOf(target, context), port);
}
