/** Routes as gRPC's own xDS clients take them: for one thing that they do not know they refuse the whole table. */
import type { Route, RouteAction, RouteMatch } from "@heddle/envoy/config/route/v3";
import type { HTTPFault } from "@heddle/envoy/extensions/filters/http/fault/v3";
import { FAULT_FILTER } from "../filter/names.ts";
import { typedConfig } from "../typed-config.ts";
import { NO_TIMEOUT } from "./timeout.ts";

type Settings = Route["typedPerFilterConfig"];

/**
 * None for what no gRPC request is. An answer that the proxy would give is an error that the client makes, by its rules for HTTP
 * statuses. `own` is the cluster of the host that the routes are of: a route of theirs leads somewhere always.
 */
export function forGrpcClient(route: Route, own: string): readonly Route[] {
  const { match, route: action, redirect, directResponse, typedPerFilterConfig, ...rest } = route;
  if (match === undefined || (match.queryParameters ?? []).length > 0) return [];
  if (redirect !== undefined || directResponse !== undefined) {
    const status = directResponse?.status ?? MOVED;
    return [
      {
        ...rest,
        match: pathOf(match),
        route: { cluster: own },
        typedPerFilterConfig: fail(status),
      },
    ];
  }
  const fault = faultOf(typedPerFilterConfig);
  return [
    {
      ...rest,
      match: pathOf(match),
      ...(action === undefined ? {} : { route: actionOf(action) }),
      ...(fault === undefined ? {} : { typedPerFilterConfig: fault }),
    },
  ];
}

const MOVED = 301;
const ALWAYS = { numerator: 100 } as const;

function fail(httpStatus: number): Settings {
  return {
    [FAULT_FILTER]: typedConfig<HTTPFault>("envoy.extensions.filters.http.fault.v3.HTTPFault", {
      abort: { httpStatus, percentage: ALWAYS },
    }),
  };
}

/** The fault filter is the only one that they have. */
function faultOf(settings: Settings): Settings | undefined {
  const fault = settings?.[FAULT_FILTER];
  return fault === undefined ? undefined : { [FAULT_FILTER]: fault };
}

/** They have no prefix of whole segments. */
function pathOf(match: RouteMatch): RouteMatch {
  const { pathSeparatedPrefix: prefix, ...rest } = match;
  if (prefix === undefined) return match;
  return { ...rest, safeRegex: { regex: `${escaped(prefix)}(/.*)?` } };
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}

/** A time-out is told them by another field than Envoy, and it counts together with the caller's own deadline. */
function actionOf({ timeout, weightedClusters, ...rest }: RouteAction): RouteAction {
  return {
    ...rest,
    ...(timeout === undefined || timeout === NO_TIMEOUT
      ? {}
      : { maxStreamDuration: { maxStreamDuration: timeout } }),
    ...(weightedClusters === undefined
      ? {}
      : {
          weightedClusters: {
            ...weightedClusters,
            clusters: (weightedClusters.clusters ?? []).map((each) => {
              const { typedPerFilterConfig: _, ...cluster } = each;
              return cluster;
            }),
          },
        }),
  };
}
