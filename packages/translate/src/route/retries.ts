/** Retries: the mesh's default for rules that say nothing, and what a rule says. */
import { protoDuration } from "@heddle/model";
import type { RetryPolicy } from "@heddle/envoy/config/route/v3";
import type { HttpRule } from "../form/rule-set.ts";
import { extension } from "../typed-config.ts";
import type { RouteFeature } from "./rule.ts";

const PREVIOUS_HOSTS = extension(
  "envoy.retry_host_predicates.previous_hosts",
  "envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate",
  {},
);

const PREVIOUS_PRIORITIES = previousPriorities(2);

/** Attempts go elsewhere than where as many attempts have failed. */
export function previousPriorities(updateFrequency: number) {
  return extension(
    "envoy.retry_priorities.previous_priorities",
    "envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig",
    { updateFrequency },
  );
}

/**
 * Istio's default since 1.24: only what certainly never reached the application, and not its own 503, which may follow work
 * already done. Other hosts are preferred for the second attempt, except under consistent hashing.
 */
export const DEFAULT_RETRIES: RetryPolicy = {
  retryOn: "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes",
  numRetries: 2,
  retryHostPredicate: [PREVIOUS_HOSTS],
  hostSelectionRetryMaxAttempts: "5",
};

/** Runs after the hash policy: a hashed route retries on the host that the hash gives. */
export const retries: RouteFeature = {
  name: "retries",
  apply(route, rule) {
    if (rule.redirect || rule.directResponse) return route;
    const policy = retryPolicy(rule.retries, (route.route?.hashPolicy?.length ?? 0) > 0);
    return policy ? { ...route, route: { ...route.route, retryPolicy: policy } } : route;
  },
};

/** Undefined when the rule switches retries off with `attempts: 0`. */
export function retryPolicy(wanted: HttpRule["retries"], hashed: boolean): RetryPolicy | undefined {
  const { retryHostPredicate, ...rest } = DEFAULT_RETRIES;
  const initial: RetryPolicy = hashed ? rest : { ...rest, retryHostPredicate };
  if (!wanted) return initial;
  if ((wanted.attempts ?? 0) <= 0) return undefined;
  const ignorePrevious = wanted.retryIgnorePreviousHosts ?? !hashed;
  return {
    ...rest,
    numRetries: wanted.attempts,
    ...(wanted.retryOn ? conditions(wanted.retryOn) : {}),
    ...(wanted.perTryTimeout ? { perTryTimeout: protoDuration(wanted.perTryTimeout) } : {}),
    ...(ignorePrevious ? { retryHostPredicate: [PREVIOUS_HOSTS] } : {}),
    ...(wanted.retryRemoteLocalities ? { retryPriority: PREVIOUS_PRIORITIES } : {}),
    ...(wanted.backoff ? { retryBackOff: { baseInterval: protoDuration(wanted.backoff) } } : {}),
  };
}

/** Numbers among the conditions are status codes to retry on. */
function conditions(retryOn: string): Pick<RetryPolicy, "retryOn" | "retriableStatusCodes"> {
  const words = retryOn
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
  const codes = words.filter((word) => /^[1-5]\d\d$/.test(word)).map(Number);
  const names = words.filter((word) => !/^\d+$/.test(word));
  if (codes.length > 0 && !names.includes("retriable-status-codes"))
    names.push("retriable-status-codes");
  return { retryOn: names.join(","), ...(codes.length > 0 ? { retriableStatusCodes: codes } : {}) };
}
