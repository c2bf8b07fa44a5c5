/** Who may do what with a workload: the filters of its AuthorizationPolicies. */
import type { HttpFeature } from "./http-feature.ts";

/** Servers of the user's that are asked. */
export const customAuthorization: HttpFeature = {
  name: "custom authorization",
  filters: ({ guards }) => guards.authorization.http.asked,
};

export const authorization: HttpFeature = {
  name: "authorization",
  filters: ({ guards }) => guards.authorization.http.judged,
};
