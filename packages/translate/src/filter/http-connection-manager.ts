/** The network filter that speaks HTTP, with what all of our listeners want of it. */
import type { Filter } from "@heddle/envoy/config/listener/v3";
import type { RouteConfiguration } from "@heddle/envoy/config/route/v3";
import type { HttpConnectionManager } from "@heddle/envoy/extensions/filters/network/http_connection_manager/v3";
import type { ModelReader } from "../read.ts";
import { requestIdExtension, tracing } from "../telemetry/tracing.ts";
import { countsMessages } from "../telemetry/grpc-messages.ts";
import { httpLogs, settingsFor } from "../telemetry/telemetry.ts";
import { extension } from "../typed-config.ts";
import { ADS } from "../ads.ts";
import { ASKING_TIMEOUT } from "../on-demand/filter.ts";
import { guardsOf } from "./guards.ts";
import type { HttpContext } from "./http-feature.ts";
import { httpFilters } from "./http-filters.ts";

/** Headers of one request, in KiB; Envoy's own default, made visible. */
const MAX_REQUEST_HEADERS_KB = 60;
const MAX_HEADERS = 100;
/** An edge proxy gives up on clients that are slow to say what they want. */
const EDGE_HEADERS_TIMEOUT = "10s";
const EDGE_IDLE_TIMEOUT = "3600s";

export interface HttpListening extends Omit<HttpContext, "guards"> {
  /** From `guardKeys`; none where requests leave. */
  readonly guards: readonly string[];
  readonly statPrefix: string;
  /** By RDS name, or inline where the route is the listener's own. */
  readonly routes: string | RouteConfiguration;
}

export function httpConnectionManager(read: ModelReader, listening: HttpListening): Filter {
  const { leg, edge, peer, statPrefix, routes, onDemand } = listening;
  const guards = guardsOf(read, listening.guards);
  const { validation, authorization } = guards;
  const { maxHeadersCount = 0, maxRequestHeadersKb = 0, ...reading } = validation?.connection ?? {};
  const { tracing: spans, metrics } = settingsFor(read, leg, peer);
  const config: HttpConnectionManager = {
    statPrefix,
    ...(typeof routes === "string"
      ? { rds: { routeConfigName: routes, configSource: ADS } }
      : { routeConfig: routes }),
    httpFilters: httpFilters({
      ...listening,
      guards,
      countsMessages: countsMessages(metrics),
    }),
    accessLog: read.get(httpLogs, {
      ...{ leg, peer, told: authorization.told },
      ...(validation ? { validation: validation.told } : {}),
    }),
    tracing: tracing(leg, peer, read.mesh, spans),
    ...requestIdExtension(spans),
    // Lower limits of a RequestValidation have checks of their own, which answer in the same way whatever the protocol.
    maxRequestHeadersKb: Math.max(MAX_REQUEST_HEADERS_KB, maxRequestHeadersKb),
    commonHttpProtocolOptions: {
      maxHeadersCount: Math.max(MAX_HEADERS, maxHeadersCount),
      // Names with underscores can pass for others behind servers that turn them into dashes.
      ...(edge ? { headersWithUnderscoresAction: "REJECT_REQUEST" } : {}),
    },
    httpProtocolOptions: { acceptHttp10: true, enableTrailers: true },
    upgradeConfigs: [{ upgradeType: "websocket" }],
    normalizePath: true,
    // `reviews.default.svc.cluster.local.` is the same name, only absolute.
    ...(leg === "outbound" ? { stripTrailingHostDot: true } : {}),
    mergeSlashes: edge,
    pathWithEscapedSlashesAction: edge ? "UNESCAPE_AND_REDIRECT" : "KEEP_UNCHANGED",
    ...reading,
    // Between workloads a silent stream may be a long poll; at the edge it may be anybody.
    streamIdleTimeout: edge ? EDGE_IDLE_TIMEOUT : onDemand ? ASKING_TIMEOUT : "0s",
    ...(edge ? { requestHeadersTimeout: EDGE_HEADERS_TIMEOUT } : {}),
    useRemoteAddress: edge,
    serverHeaderTransformation: edge ? "OVERWRITE" : "PASS_THROUGH",
    ...clientCertificate(listening),
  };
  return extension<HttpConnectionManager>(
    "envoy.filters.network.http_connection_manager",
    "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
    config,
  );
}

/** `x-forwarded-client-cert` is what the peer's certificate says, never what a request claims. */
function clientCertificate({
  leg,
  edge,
}: Pick<HttpContext, "leg" | "edge">): Partial<HttpConnectionManager> {
  if (leg === "mutual_tls") {
    return { forwardClientCertDetails: "SANITIZE_SET", setCurrentClientCertDetails: { uri: true } };
  }
  if (edge) {
    return {
      forwardClientCertDetails: "SANITIZE_SET",
      setCurrentClientCertDetails: { subject: true, uri: true, dns: true },
    };
  }
  return { forwardClientCertDetails: "SANITIZE" };
}
