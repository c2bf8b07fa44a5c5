/** Envoy's response flags: what each means, and which say that a request reached nobody. */

export interface ResponseFlag {
  /** As it stands in access logs and metrics. */
  readonly flag: string;
  readonly name: string;
  readonly meaning: string;
  /** No upstream saw the request, so only the client's side counts it. */
  readonly unreached: boolean;
}

function flag(
  code: string,
  name: string,
  meaning: string,
  unreached = false,
): [string, ResponseFlag] {
  return [code, { flag: code, name, meaning, unreached }];
}

/** By flag; https://www.envoyproxy.io/docs/envoy/v1.40.0/configuration/observability/access_log/usage lists them. */
export const responseFlags: ReadonlyMap<string, ResponseFlag> = new Map([
  flag("UH", "NoHealthyUpstream", "No healthy endpoint in the destination's cluster.", true),
  flag(
    "UF",
    "UpstreamConnectionFailure",
    "The connection to the destination could not be made.",
    true,
  ),
  flag(
    "UO",
    "UpstreamOverflow",
    "A circuit breaker was open: too many connections or requests.",
    true,
  ),
  flag("NR", "NoRouteFound", "No route matched the request.", true),
  flag("URX", "UpstreamRetryLimitExceeded", "All retries were used up."),
  flag("NC", "NoClusterFound", "The route's cluster does not exist.", true),
  flag("DT", "DurationTimeout", "The request or connection lasted longer than allowed."),
  flag(
    "DC",
    "DownstreamConnectionTermination",
    "The client closed the connection before the answer.",
  ),
  flag("LH", "FailedLocalHealthCheck", "The local health check failed.", true),
  flag("UT", "UpstreamRequestTimeout", "The destination did not answer within the time-out."),
  flag("LR", "LocalReset", "The proxy reset the connection."),
  flag("UR", "UpstreamRemoteReset", "The destination reset the connection."),
  flag("UC", "UpstreamConnectionTermination", "The destination closed the connection."),
  flag("DI", "DelayInjected", "A fault rule delayed the request."),
  flag("FI", "FaultInjected", "A fault rule answered with an error.", true),
  flag("RL", "RateLimited", "A rate limit refused the request.", true),
  flag(
    "UAEX",
    "UnauthorizedExternalService",
    "The external authorization service denied the request.",
    true,
  ),
  flag("RLSE", "RateLimitServiceError", "The rate limit service failed.", true),
  flag("IH", "InvalidEnvoyRequestHeaders", "A header that Envoy reads had an invalid value.", true),
  flag("SI", "StreamIdleTimeout", "Nothing was sent for longer than the idle time-out."),
  flag("DPE", "DownstreamProtocolError", "The client broke the protocol.", true),
  flag("UPE", "UpstreamProtocolError", "The destination broke the protocol."),
  flag("UMSDR", "UpstreamMaxStreamDurationReached", "The stream lasted longer than allowed."),
  flag("RFCF", "ResponseFromCacheFilter", "The answer came from the proxy's cache.", true),
  flag("NFCF", "NoFilterConfigFound", "A filter's configuration did not arrive in time.", true),
  flag("OM", "OverloadManagerTerminated", "The proxy was overloaded and ended the request.", true),
  flag("DF", "DnsResolutionFailed", "The destination's name could not be resolved.", true),
  flag("DO", "DropOverload", "The destination's cluster drops load.", true),
  flag("DR", "DownstreamRemoteReset", "The client reset the stream."),
  flag("UDO", "UnconditionalDropOverload", "The destination's cluster drops all load.", true),
]);

/** The single flags of a log's or metric's value; `-` and empty mean none. */
export function splitFlags(value: string): string[] {
  return value === "" || value === "-" || value === "unknown"
    ? []
    : value.split(",").map((part) => part.trim());
}

/** True where the flags say that no upstream saw the request. */
export function isUnreached(value: string): boolean {
  return splitFlags(value).some((part) => responseFlags.get(part)?.unreached === true);
}
