/** How long a service that has a fallback may take to be connected to: Envoy counts no other time before it is. */
import { durationOf, millisecondsToProto, parseDuration } from "@heddle/model";
import { isOrdered } from "../endpoint/locality.ts";
import { fallbacksOf, isFor } from "../form/fallback.ts";
import type { ClusterContext, ClusterFeature } from "./feature.ts";

export const connectInTime: ClusterFeature = {
  name: "connect in time",
  apply(cluster, context) {
    const { read, service, scope, subset, reach } = context;
    if (reach === "proxyless") return cluster;
    const declared = fallbacksOf(read, service.host, scope).filter((each) =>
      isFor(each, subset?.name ?? "", each.routes[0]),
    );
    if (declared.length === 0) return cluster;
    const allowed = declared.map(
      ({ after, destination }) =>
        parseDuration(after) / triesOf(context, destination !== undefined),
    );
    const own = typeof cluster.connectTimeout === "string" ? cluster.connectTimeout : "";
    const connectTimeout = millisecondsToProto(Math.min(durationOf(own) ?? Infinity, ...allowed));
    return { ...cluster, connectTimeout };
  },
};

/**
 * Over how many attempts the time is divided. A route may have more, by its own retries or where there are many places; but a
 * cluster that changes loses its connections, and what is far away takes its time, so this follows from neither.
 */
function triesOf({ policy }: ClusterContext, hasDestination: boolean): number {
  return hasDestination && !isOrdered(policy) ? 1 : 2;
}
