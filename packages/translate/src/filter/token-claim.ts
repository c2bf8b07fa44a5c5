/** Where the filter that checks tokens leaves a verified one's claims, for all that go by them. */
import type { MetadataMatcher, ValueMatcher } from "@heddle/envoy/type/matcher/v3";
import { JWT_FILTER, TOKEN_PAYLOAD } from "./names.ts";

/** `path` has the names that lead to the claim. */
export function tokenClaim(path: readonly string[], value: ValueMatcher): MetadataMatcher {
  return { filter: JWT_FILTER, path: [TOKEN_PAYLOAD, ...path].map((key) => ({ key })), value };
}
