/** Every route feature, in the order in which they are applied. */
import { connect } from "./connect.ts";
import { cors } from "./cors.ts";
import { destinations } from "./destination.ts";
import { directResponse } from "./direct-response.ts";
import { externalAuthorization } from "./external-authorization.ts";
import { fallback } from "./fallback-route.ts";
import { fault } from "./fault.ts";
import { hashPolicy } from "./hash-policy.ts";
import { headers } from "./header-operations.ts";
import { mirror } from "./mirror.ts";
import { redirect } from "./redirect.ts";
import { retries } from "./retries.ts";
import { rewrite } from "./rewrite.ts";
import type { RouteFeature } from "./rule.ts";
import { session } from "./session.ts";
import { timeout } from "./timeout.ts";

export const ROUTE_FEATURES: readonly RouteFeature[] = [
  // The three kinds of action exclude each other; the schema refuses rules with more than one.
  redirect,
  directResponse,
  // Before destinations: a single destination's operations come after the rule's, so that its `set` wins.
  headers,
  destinations,
  // Behind destinations: only what goes somewhere can be connected.
  connect,
  rewrite,
  mirror,
  timeout,
  // Before retries: a hashed route does not send its second attempt elsewhere.
  hashPolicy,
  retries,
  // Per-route configuration of filters; their order among each other is that of the filters.
  cors,
  externalAuthorization,
  fault,
  session,
  // Last: it stands in for clusters and retries that the others have chosen.
  fallback,
];
