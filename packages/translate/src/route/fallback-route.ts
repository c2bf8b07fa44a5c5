/** Routes to a service that has a fallback: failures are led there, or answered by the proxy itself. */
import type { Route, RouteAction } from "@heddle/envoy/config/route/v3";
import type { LuaConfig } from "@heddle/envoy/extensions/router/cluster_specifiers/lua/v3";
import { durationOf, protoDuration } from "@heddle/model";
import { destinationCluster, fallbackCluster } from "../cluster/fallback.ts";
import { type EffectivePolicy, policyFor } from "../cluster/policy.ts";
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
    retryPolicy: {
      ...(led === action
        ? (action.retryPolicy ?? { retryOn: "connect-failure", numRetries: 0 })
        : { ...retriesOf(first), numRetries: placesOf(targets, context) }),
      ...perTry(first, action),
    },
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

/** In place of a rule's own retries: the next attempt is the fallback's. */
function retriesOf({ statuses }: Fallback): NonNullable<RouteAction["retryPolicy"]> {
  return {
    retryOn:
      "reset,connect-failure,refused-stream,unavailable,cancelled,resource-exhausted,retriable-status-codes",
    retriableStatusCodes: statuses,
    retryPriority: ELSEWHERE,
  };
}

/** Where places of a service come before each other, the next place is asked before the fallback is. */
function placesOf(targets: readonly Target[], context: Context): number {
  const ordered = targets.some((target) => {
    const { outlierDetection, loadBalancer } = policyOf(target, context);
    return outlierDetection !== undefined || loadBalancer?.localityLbSetting !== undefined;
  });
  return ordered ? 2 : 1;
}

function policyOf({ host, port, subset }: Target, { read, view }: Context): EffectivePolicy {
  const rule = read.destinationRule(host, read.clusterScope(host, view))?.spec;
  const chosen = rule?.subsets?.find(({ name }) => name === subset);
  return policyFor(rule, chosen, port);
}

function perTry({ after }: Fallback, { retryPolicy }: RouteAction) {
  const asked = typeof retryPolicy?.perTryTimeout === "string" ? retryPolicy.perTryTimeout : after;
  const shorter = (durationOf(asked) ?? 0) < (durationOf(after) ?? 0) ? asked : after;
  return { perTryTimeout: protoDuration(shorter) };
}
