/** Access logs: one OTLP record for each request or connection, sent to the agent. */
import type { AccessLog, AccessLogFilter } from "@heddle/envoy/config/accesslog/v3";
import type { ExpressionFilter } from "@heddle/envoy/extensions/access_loggers/filters/cel/v3";
import type { OpenTelemetryAccessLogConfig } from "@heddle/envoy/extensions/access_loggers/open_telemetry/v3";
import type { StdoutAccessLog } from "@heddle/envoy/extensions/access_loggers/stream/v3";
import {
  CUSTOM,
  DRY_RUN_ALLOW,
  DRY_RUN_DENY,
  EFFECTIVE_POLICY,
  ENGINE_RESULT,
  type Told,
} from "../authorization/filters.ts";
import { NETWORK_RBAC_FILTER, RBAC_FILTER } from "../filter/names.ts";
import { OTLP_CLUSTER } from "../names.ts";
import { extension } from "../typed-config.ts";
import {
  ACCESS_LOG_ATTRIBUTES,
  ACCESS_LOG_RESOURCE,
  type AccessLogField,
  HTTP_ACCESS_LOG,
  TCP_ACCESS_LOG,
} from "./access-log-attributes.ts";
import { OPENAPI_REFUSED, SHADOW_PREFIX, type ValidationTold } from "../validation/filters.ts";
import { type Labels, type Leg, workloadLabels } from "./labels.ts";
import type { Peer } from "./peer.ts";

type KeyValueList = NonNullable<OpenTelemetryAccessLogConfig["attributes"]>;

export function httpAccessLog(
  leg: Leg,
  peer: Peer,
  told: Told = {},
  validation?: ValidationTold,
): AccessLog {
  return otlp(
    HTTP_ACCESS_LOG,
    peer,
    {
      ...CONNECTION,
      ...REQUEST,
      ...(validation ? validated(validation) : {}),
      ...authorized(told, RBAC_FILTER),
      ...parties(workloadLabels(leg, peer, "http")),
    },
    "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %RESPONSE_CODE%",
    "DownstreamEnd",
  );
}

export function tcpAccessLog(leg: Leg, peer: Peer, told: Told = {}): AccessLog {
  return otlp(
    TCP_ACCESS_LOG,
    peer,
    {
      ...CONNECTION,
      ...authorized(told, NETWORK_RBAC_FILTER),
      ...parties(workloadLabels(leg, peer, "tcp")),
    },
    "%DOWNSTREAM_REMOTE_ADDRESS% %UPSTREAM_CLUSTER%",
    "TcpConnectionEnd",
  );
}

/** Lines on the proxy's own standard output, as Envoy writes them: Istio's provider `envoy`. */
export const HTTP_TEXT_LOG: AccessLog = stdout("DownstreamEnd");
export const TCP_TEXT_LOG: AccessLog = stdout("TcpConnectionEnd");

function stdout(type: "DownstreamEnd" | "TcpConnectionEnd"): AccessLog {
  return {
    ...extension<StdoutAccessLog>(
      "envoy.access_loggers.stdout",
      "envoy.extensions.access_loggers.stream.v3.StdoutAccessLog",
      {},
    ),
    filter: { logTypeFilter: { types: [type] } },
  };
}

/** Only what a CEL expression is true for. */
export function filtered(log: AccessLog, expression: string): AccessLog {
  const filter: AccessLogFilter = {
    extensionFilter: extension<ExpressionFilter>(
      "envoy.access_loggers.extension_filters.cel",
      "envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter",
      { expression },
    ),
  };
  return { ...log, filter: log.filter ? { andFilter: { filters: [log.filter, filter] } } : filter };
}

type Formats = Partial<Record<AccessLogField, string>>;

const CONNECTION: Formats = {
  flags: "%RESPONSE_FLAGS%",
  terminationDetails: "%CONNECTION_TERMINATION_DETAILS%",
  transportFailure: "%UPSTREAM_TRANSPORT_FAILURE_REASON%",
  bytesReceived: "%BYTES_RECEIVED%",
  bytesSent: "%BYTES_SENT%",
  duration: "%DURATION%",
  attempts: "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
  upstreamHost: "%UPSTREAM_HOST%",
  upstreamCluster: "%UPSTREAM_CLUSTER_RAW%",
  upstreamLocalAddress: "%UPSTREAM_LOCAL_ADDRESS%",
  downstreamRemoteAddress: "%DOWNSTREAM_REMOTE_ADDRESS%",
  downstreamLocalAddress: "%DOWNSTREAM_LOCAL_ADDRESS%",
  requestedServerName: "%REQUESTED_SERVER_NAME%",
  tlsVersion: "%DOWNSTREAM_TLS_VERSION%",
};

const REQUEST: Formats = {
  method: "%REQ(:METHOD)%",
  path: "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%",
  scheme: "%REQ(:SCHEME)%",
  authority: "%REQ(:AUTHORITY)%",
  protocol: "%PROTOCOL%",
  status: "%RESPONSE_CODE%",
  grpcStatus: "%GRPC_STATUS_NUMBER%",
  details: "%RESPONSE_CODE_DETAILS%",
  serviceTime: "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%",
  routeName: "%ROUTE_NAME%",
  requestId: "%REQ(X-REQUEST-ID)%",
  userAgent: "%REQ(USER-AGENT)%",
  forwardedFor: "%REQ(X-FORWARDED-FOR)%",
  traceId: "%TRACE_ID%",
  spanId: "%SPAN_ID%",
};

/** What checks of requests have left behind. */
function validated({ object, reports, bodies, openapi }: ValidationTold): Formats {
  return {
    validation: object,
    ...(reports
      ? { validationReport: `%DYNAMIC_METADATA(envoy.filters.http.rbac:${REPORTED})%` }
      : {}),
    ...(bodies ? { validationBody: `%FILTER_STATE(${MATCHED_ACTIONS}:PLAIN)%` } : {}),
    ...(openapi
      ? {
          validationDocument: `%DYNAMIC_METADATA(envoy.filters.http.ext_authz:${OPENAPI_REFUSED})%`,
        }
      : {}),
  };
}

/** Where Envoy keeps what a filter of access control would have refused by. */
const REPORTED = `${SHADOW_PREFIX}shadow_effective_policy_id`;
/** Where it keeps which filters were chosen for a request. */
const MATCHED_ACTIONS = "envoy.extensions.filters.http.composite.matched_actions";

/** What filters of authorization have left behind; `filter` is the one that keeps it. */
function authorized({ audit, custom, dryRun, allowing }: Told, filter: string): Formats {
  const left = (key: string, namespace = filter) => `%DYNAMIC_METADATA(${namespace}:${key})%`;
  return {
    ...(audit ? { audited: left("access_log_hint", "envoy.common") } : {}),
    ...(custom ? { askedFor: left(CUSTOM + EFFECTIVE_POLICY) } : {}),
    ...(dryRun
      ? {
          dryRunAllow: left(DRY_RUN_ALLOW + ENGINE_RESULT),
          dryRunAllowRule: left(DRY_RUN_ALLOW + EFFECTIVE_POLICY),
          dryRunDeny: left(DRY_RUN_DENY + ENGINE_RESULT),
          dryRunDenyRule: left(DRY_RUN_DENY + EFFECTIVE_POLICY),
        }
      : {}),
    ...(allowing ? { allowing: allowing.join() } : {}),
  };
}

/** Who spoke with whom, by the same rules as in the metrics. */
function parties(labels: Labels): Formats {
  const label = (name: string) => labels[name] ?? "-";
  return {
    reporter: label("reporter"),
    sourcePrincipal: label("source_principal"),
    sourceWorkload: label("source_workload"),
    sourceNamespace: label("source_workload_namespace"),
    sourceApp: label("source_app"),
    sourceVersion: label("source_version"),
    sourceCanonicalService: label("source_canonical_service"),
    sourceCanonicalRevision: label("source_canonical_revision"),
    sourceCluster: label("source_cluster"),
    destinationPrincipal: label("destination_principal"),
    destinationWorkload: label("destination_workload"),
    destinationNamespace: label("destination_workload_namespace"),
    destinationApp: label("destination_app"),
    destinationVersion: label("destination_version"),
    destinationCanonicalService: label("destination_canonical_service"),
    destinationCanonicalRevision: label("destination_canonical_revision"),
    destinationCluster: label("destination_cluster"),
    destinationService: label("destination_service"),
    destinationServiceName: label("destination_service_name"),
    destinationServiceNamespace: label("destination_service_namespace"),
  };
}

function otlp(
  logName: string,
  peer: Peer,
  formats: Formats,
  body: string,
  type: "DownstreamEnd" | "TcpConnectionEnd",
): AccessLog {
  const attributes = Object.entries(formats).map(
    ([field, format]) => [ACCESS_LOG_ATTRIBUTES[field as AccessLogField], format] as const,
  );
  const config: OpenTelemetryAccessLogConfig = {
    grpcService: { envoyGrpc: { clusterName: OTLP_CLUSTER }, timeout: "5s" },
    logName,
    statPrefix: logName,
    bufferFlushInterval: "1s",
    bufferSizeBytes: 16_384,
    resourceAttributes: keyValues([
      [ACCESS_LOG_RESOURCE.serviceName, serviceNameOf(peer)],
      [ACCESS_LOG_RESOURCE.namespace, peer.namespace],
    ]),
    body: { stringValue: body },
    attributes: keyValues(attributes),
  };
  return {
    ...extension<OpenTelemetryAccessLogConfig>(
      "envoy.access_loggers.open_telemetry",
      "envoy.extensions.access_loggers.open_telemetry.v3.OpenTelemetryAccessLogConfig",
      config,
    ),
    filter: { logTypeFilter: { types: [type] } },
  };
}

/** How spans and log records name the workload that wrote them. */
export function serviceNameOf(peer: Peer): string {
  return `${peer.canonicalService}.${peer.namespace}`;
}

function keyValues(entries: readonly (readonly [string, string])[]): KeyValueList {
  return { values: entries.map(([key, stringValue]) => ({ key, value: { stringValue } })) };
}
