/** The filter that knows how many messages a gRPC call had each way; only where somebody wants them counted. */
import type { FilterConfig } from "@heddle/envoy/extensions/filters/http/grpc_stats/v3";
import type { HttpFilter } from "@heddle/envoy/extensions/filters/network/http_connection_manager/v3";
import { extension } from "../typed-config.ts";
import type { HttpFeature } from "./http-feature.ts";
import { GRPC_STATS_FILTER } from "./names.ts";

const FILTER: HttpFilter = extension<FilterConfig>(
  GRPC_STATS_FILTER,
  "envoy.extensions.filters.http.grpc_stats.v3.FilterConfig",
  // Not for each method: a stranger could name as many as it likes.
  { emitFilterState: true, statsForAllMethods: false },
);

export const grpcMessages: HttpFeature = {
  name: "grpc-messages",
  filters: ({ countsMessages = false }) => (countsMessages ? [FILTER] : []),
};
