/** HDL0102: several rules for a host at a gateway that each end in a route for every request. */
import type { VirtualService } from "@heddle/model";
import { byAge, gatewaysOf } from "@heddle/model";
import { diagnostic, namesOf } from "../check.ts";
import type { Check } from "../check.ts";

export const checkGatewayOrder: Check<VirtualService> = function* (entry, context) {
  const { object } = entry;
  const catchAll = catchAllOf(object.spec);
  if (catchAll < 0) return;
  const hosts = new Set(object.spec.hosts);
  for (const gateway of gatewaysOf(object)) {
    if (gateway === "mesh") continue;
    const older = context.index
      .rulesOfGateway(gateway)
      .filter(
        ({ key, object: other }) =>
          key !== entry.key &&
          byAge(other, object) < 0 &&
          catchAllOf(other.spec) >= 0 &&
          other.spec.hosts?.some((host) => hosts.has(host)),
      );
    if (older.length === 0) continue;
    yield diagnostic(entry, {
      code: "HDL0102",
      path: `spec.http[${catchAll}]`,
      message: `At gateway ${gateway} this route is never reached: the older VirtualService ${namesOf(older.slice(0, 1))} takes all other requests for the same host.`,
    });
  }
};

/** Routes without a match come after all others of a host, so the first of them takes what is left. */
function catchAllOf({ http = [] }: VirtualService): number {
  return http.findIndex(({ match = [] }) => match.length === 0);
}
