/** HDL0102: a rule at a gateway that takes every request for a host before younger rules are asked. */
import type { VirtualService } from "@heddle/model";
import { byAge, gatewaysOf } from "@heddle/model";
import { diagnostic, namesOf } from "../check.ts";
import type { Check } from "../check.ts";

export const checkGatewayOrder: Check<VirtualService> = function* (entry, context) {
  const { object } = entry;
  const catchAll = (object.spec.http ?? []).findIndex(({ match = [] }) => match.length === 0);
  if (catchAll < 0) return;
  const hosts = new Set(object.spec.hosts);
  for (const gateway of gatewaysOf(object)) {
    if (gateway === "mesh") continue;
    const hidden = context.index
      .rulesOfGateway(gateway)
      .filter(
        ({ key, object: other }) =>
          key !== entry.key &&
          byAge(object, other) < 0 &&
          (other.spec.http ?? []).length > 0 &&
          other.spec.hosts?.some((host) => hosts.has(host)),
      );
    if (hidden.length === 0) continue;
    yield diagnostic(entry, {
      code: "HDL0102",
      path: `spec.http[${catchAll}]`,
      message: `At gateway ${gateway} this route takes every request, so the younger VirtualServices ${namesOf(hidden)} for the same host are never asked.`,
    });
  }
};
