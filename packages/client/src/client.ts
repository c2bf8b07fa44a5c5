/** The typed client of a plane. */
import { authorityCalls } from "./calls/authority.ts";
import { configurationCalls } from "./calls/configuration.ts";
import { fleetCalls } from "./calls/fleet.ts";
import { telemetryCalls } from "./calls/telemetry.ts";
import { tenancyCalls } from "./calls/tenancy.ts";
import { createTransport, type ClientOptions } from "./transport.ts";

export type HeddleClient = ReturnType<typeof createClient>;

/**
 * A client for the plane at `baseUrl`. Refusals are thrown as `HeddleApiError`; a plane that cannot be reached as
 * fetch's `TypeError`. GETs are tried again on both where that may help; writes never are: send an `idempotencyKey` and
 * repeat them yourself. Runs in browsers, Node and Workers.
 */
export function createClient(options: ClientOptions) {
  const transport = createTransport(options);
  return {
    ...tenancyCalls(transport),
    ...configurationCalls(transport),
    ...fleetCalls(transport),
    ...telemetryCalls(transport),
    ...authorityCalls(transport),
    /** For what has no method of its own. */
    transport,
  };
}
