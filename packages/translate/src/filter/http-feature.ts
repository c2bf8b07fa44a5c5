/** The interface that everything which adds HTTP filters to a listener has. */
import type { HttpFilter } from "@heddle/envoy/extensions/filters/network/http_connection_manager/v3";
import type { Leg } from "../telemetry/labels.ts";
import type { Peer } from "../telemetry/peer.ts";
import type { Guards } from "./guards.ts";

/** The place of a filter chain. */
export interface HttpContext {
  readonly leg: Leg;
  /** Requests come from outside of the mesh, through a gateway. */
  readonly edge: boolean;
  /** The proxy's own workload. */
  readonly peer: Peer;
  /** Of the workload or gateway that the requests come to; none where they leave. */
  readonly guards: Guards;
  /** The mesh has hosts whose address is found when a request asks for them. */
  readonly dynamicHosts?: boolean;
  /** Requests ask for the virtual hosts that their table does not have. */
  readonly onDemand?: boolean;
  /** The messages of gRPC calls are counted. */
  readonly countsMessages?: boolean;
}

export interface HttpFeature {
  readonly name: string;
  /** Filters for this place, none if the feature has nothing to do there. */
  filters(context: HttpContext): readonly HttpFilter[];
}
