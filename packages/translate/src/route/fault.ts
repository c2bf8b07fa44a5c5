/** Delays and aborts on purpose: configuration of the fault filter for one route. */
import { GRPC_STATUS, protoDuration } from "@heddle/model";
import type { HTTPFault } from "@heddle/envoy/extensions/filters/http/fault/v3";
import { FAULT_FILTER } from "../filter/names.ts";
import type { HttpRule } from "../form/rule-set.ts";
import { typedConfig } from "../typed-config.ts";
import { fraction } from "./percentage.ts";
import type { RouteFeature } from "./rule.ts";

export const fault: RouteFeature = {
  name: "fault",
  apply(route, rule) {
    const config = rule.fault && httpFault(rule.fault);
    if (!config) return route;
    return {
      ...route,
      typedPerFilterConfig: {
        ...route.typedPerFilterConfig,
        [FAULT_FILTER]: typedConfig<HTTPFault>(
          "envoy.extensions.filters.http.fault.v3.HTTPFault",
          config,
        ),
      },
    };
  },
};

/** Without a percentage no request is delayed or aborted, as Istio has it. */
function httpFault({ delay, abort }: NonNullable<HttpRule["fault"]>): HTTPFault | undefined {
  const delayed = delay?.fixedDelay
    ? {
        delay: {
          fixedDelay: protoDuration(delay.fixedDelay),
          percentage: fraction(delay.percentage?.value ?? delay.percent ?? 0),
        },
      }
    : {};
  const kind = abort && abortKind(abort);
  const aborted = kind
    ? { abort: { ...kind, percentage: fraction(abort.percentage?.value ?? 0) } }
    : {};
  const config = { ...delayed, ...aborted };
  return Object.keys(config).length > 0 ? config : undefined;
}

function abortKind(abort: NonNullable<NonNullable<HttpRule["fault"]>["abort"]>) {
  if (abort.httpStatus) return { httpStatus: abort.httpStatus };
  const code = GRPC_STATUS.get(abort.grpcStatus?.toUpperCase() ?? "");
  return code ? { grpcStatus: code } : undefined;
}
