/** Copies of requests, sent and forgotten. */
import type { RouteAction_RequestMirrorPolicy } from "@heddle/envoy/config/route/v3";
import type { Mirror } from "../form/rule-set.ts";
import { clusterOf } from "./destination.ts";
import { fraction } from "./percentage.ts";
import type { RouteFeature, RuleContext } from "./rule.ts";

export const mirror: RouteFeature = {
  name: "mirror",
  apply(route, rule, context) {
    if (rule.redirect || rule.directResponse) return route;
    const policies = rule.mirrors.flatMap((each) => policy(each, context));
    if (policies.length === 0) return route;
    return { ...route, route: { ...route.route, requestMirrorPolicies: policies } };
  },
};

/** An explicit 0 % means no mirror. The copies are not traced: nobody waits for their answers. */
function policy(
  { destination, percent }: Mirror,
  context: RuleContext,
): readonly RouteAction_RequestMirrorPolicy[] {
  if (percent <= 0) return [];
  return [
    {
      cluster: clusterOf(destination, context),
      runtimeFraction: { defaultValue: fraction(percent) },
      traceSampled: false,
    },
  ];
}
