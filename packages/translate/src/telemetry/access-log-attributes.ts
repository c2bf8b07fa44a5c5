/** Names of the attributes of an access log record that proxies send by OTLP, and what each of them holds. */

/**
 * Every value is text, as Envoy formats it: `-` where Envoy has nothing to say (of a workload also `unknown`), numbers in
 * decimal. The keys here are the contract between the proxies that write records and whoever reads them.
 */
export const ACCESS_LOG_ATTRIBUTES = {
  /** `source` from the client's proxy or a gateway, `destination` from the server's. */
  reporter: "heddle.reporter",
  method: "http.request.method",
  /** The path with its query as the client sent it, before any rewrite. */
  path: "url.path",
  scheme: "url.scheme",
  authority: "http.request.authority",
  /** `HTTP/1.1`, `HTTP/2`, `HTTP/3`; `-` for TCP. */
  protocol: "network.protocol",
  /** 0 when no answer was sent; `-` for TCP. */
  status: "http.response.status_code",
  grpcStatus: "rpc.grpc.status_code",
  /** Envoy's short flags, comma separated: `UH`, `NR`, `DI,FI`; `-` for none. */
  flags: "envoy.response_flags",
  details: "envoy.response_code_details",
  terminationDetails: "envoy.connection_termination_details",
  transportFailure: "envoy.upstream.transport_failure_reason",
  /** `true` where a policy of action AUDIT is for it. */
  audited: "heddle.authorization.audited",
  /** The rule of a policy of action CUSTOM for which a server was asked, as Envoy knows it: `…ns[shop]-policy[ask]-rule[0]`. */
  askedFor: "heddle.authorization.asked_for",
  /** Policies of action ALLOW, `namespace/name`, comma separated, ten at most: where one is there, one has to match. */
  allowing: "heddle.authorization.allowing",
  /** What policies that are tried out would have done, `allowed` or `denied`: those of action ALLOW and of action DENY apart. */
  dryRunAllow: "heddle.authorization.dry_run.allow",
  dryRunDeny: "heddle.authorization.dry_run.deny",
  /** The rule of theirs that matched. */
  dryRunAllowRule: "heddle.authorization.dry_run.allow_rule",
  dryRunDenyRule: "heddle.authorization.dry_run.deny_rule",
  /** Bodies in bytes; for TCP all bytes of the connection. */
  bytesReceived: "http.request.body.size",
  bytesSent: "http.response.body.size",
  /** Whole milliseconds from the first byte of the request to the last byte of the answer. */
  duration: "envoy.duration_ms",
  /** Whole milliseconds until the upstream's response headers. */
  serviceTime: "envoy.upstream.service_time_ms",
  attempts: "envoy.upstream.request_attempt_count",
  upstreamHost: "envoy.upstream.host",
  upstreamCluster: "envoy.upstream.cluster",
  /** The five-tuple, protocol apart: each `address:port`. */
  upstreamLocalAddress: "envoy.upstream.local_address",
  downstreamRemoteAddress: "envoy.downstream.remote_address",
  downstreamLocalAddress: "envoy.downstream.local_address",
  requestedServerName: "tls.server_name",
  tlsVersion: "tls.protocol.version",
  /** `namespace/name` of the RequestValidation that holds, whether it refused or not. */
  validation: "heddle.request_validation.object",
  /** `request-validation/namespace/name/place` of what would have been refused by. */
  validationReport: "heddle.request_validation.report",
  /** The same of what a body was held back by, in a JSON object; it was refused where `details` say that it was too large. */
  validationBody: "heddle.request_validation.body",
  /** `operation: place: reason` of what a document refused, or would have. */
  validationDocument: "heddle.request_validation.document",
  routeName: "envoy.route_name",
  requestId: "http.request.id",
  userAgent: "user_agent.original",
  forwardedFor: "http.request.header.x-forwarded-for",
  traceId: "heddle.trace_id",
  spanId: "heddle.span_id",
  /** Principals are SPIFFE URIs from the certificates of the connection. */
  sourcePrincipal: "source.principal",
  sourceWorkload: "source.workload",
  sourceNamespace: "source.namespace",
  sourceApp: "source.app",
  sourceVersion: "source.version",
  sourceCanonicalService: "source.canonical_service",
  sourceCanonicalRevision: "source.canonical_revision",
  sourceCluster: "source.cluster",
  destinationPrincipal: "destination.principal",
  destinationWorkload: "destination.workload",
  destinationNamespace: "destination.namespace",
  destinationApp: "destination.app",
  destinationVersion: "destination.version",
  destinationCanonicalService: "destination.canonical_service",
  destinationCanonicalRevision: "destination.canonical_revision",
  destinationCluster: "destination.cluster",
  /** The service called: its host, and the parts of its name. */
  destinationService: "destination.service",
  destinationServiceName: "destination.service_name",
  destinationServiceNamespace: "destination.service_namespace",
} as const;

export type AccessLogField = keyof typeof ACCESS_LOG_ATTRIBUTES;

/** `log_name` of the two streams, so that a reader can tell them apart before it parses: requests, and TCP connections. */
export const HTTP_ACCESS_LOG = "heddle-http";
export const TCP_ACCESS_LOG = "heddle-tcp";

/** Resource attributes of both streams: the proxy that wrote the record. */
export const ACCESS_LOG_RESOURCE = {
  /** `<canonical service>.<namespace>` of the proxy's own workload. */
  serviceName: "service.name",
  namespace: "k8s.namespace.name",
  /** The node id, `sidecar~IP~POD.NAMESPACE~DOMAIN`: Envoy adds it under this name by itself. */
  nodeId: "node_name",
} as const;
