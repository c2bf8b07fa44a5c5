/** Envoy's response flags in words: what happened to the request, and where to look next. */

export interface FlagMeaning {
  flag: string;
  /** What happened, in one clause. */
  title: string;
  /** Why that usually is, and what to look at. */
  hint: string;
  /** Whose doing it was. */
  side: "client" | "upstream" | "configuration" | "limit";
}

type Row = readonly [title: string, side: FlagMeaning["side"], hint: string];

/** By the names that `%RESPONSE_FLAGS%` prints. */
const meanings: Readonly<Record<string, Row>> = {
  UH: [
    "no healthy upstream",
    "upstream",
    "Every endpoint is ejected or fails its health check. Look at the service's pods and at outlier detection.",
  ],
  UF: [
    "could not connect to the upstream",
    "upstream",
    "The connection was refused or timed out, or the TLS handshake failed. A mismatch of mTLS modes looks like this.",
  ],
  UO: [
    "circuit breaker open",
    "limit",
    "A connection pool limit of the DestinationRule was reached: maxConnections, http1MaxPendingRequests or http2MaxRequests.",
  ],
  NR: [
    "no route matched",
    "configuration",
    "Nothing in the route table fits this host and path. Look at the VirtualService's hosts and matches, or the Gateway's.",
  ],
  NC: [
    "the route's cluster does not exist",
    "configuration",
    "The route names a service or a subset that is unknown. Look for a dangling reference in the VirtualService.",
  ],
  URX: [
    "all retries used up",
    "upstream",
    "The request was retried as often as allowed and failed each time. Look at the last attempt's upstream.",
  ],
  UT: [
    "upstream took longer than the time-out",
    "upstream",
    "The time-out of the route ran out. Look at the slow span, or raise `timeout` in the VirtualService.",
  ],
  UC: [
    "upstream closed the connection",
    "upstream",
    "It went away while a request was under way: a restart, a crash, or an idle time-out shorter than the proxy's.",
  ],
  UR: [
    "upstream reset the stream",
    "upstream",
    "The service itself broke the request off. Its own log says why.",
  ],
  UPE: [
    "upstream answered with broken protocol",
    "upstream",
    "The bytes were not HTTP of the expected version. Look at the port's protocol (its name or appProtocol).",
  ],
  UMSDR: [
    "the stream lasted too long",
    "limit",
    "It reached the longest duration that is allowed for a stream.",
  ],
  DC: [
    "the client went away",
    "client",
    "The caller closed the connection before the answer was there. Often its own time-out is shorter.",
  ],
  DPE: [
    "the client sent broken protocol",
    "client",
    "The bytes were not valid HTTP. Often plain text to a TLS port, or the other way round.",
  ],
  DR: [
    "the client reset the stream",
    "client",
    "The caller broke this request off and kept the connection.",
  ],
  DT: [
    "the request lasted too long",
    "limit",
    "It reached the longest duration that is allowed for a connection or a request.",
  ],
  DI: [
    "delayed by fault injection",
    "configuration",
    "A VirtualService's `fault.delay` held the request back on purpose.",
  ],
  FI: [
    "aborted by fault injection",
    "configuration",
    "A VirtualService's `fault.abort` answered on purpose.",
  ],
  LH: [
    "the local service failed its health check",
    "upstream",
    "The proxy's own application is unhealthy.",
  ],
  LR: [
    "connection reset locally",
    "upstream",
    "The proxy itself reset the connection to the upstream.",
  ],
  RL: ["refused by the rate limit", "limit", "A local or global rate limit answered 429."],
  RLSE: [
    "the rate limit service failed",
    "configuration",
    "It did not answer, and the filter is set to refuse then.",
  ],
  UAEX: [
    "refused by external authorization",
    "configuration",
    "The authorization service said no, or could not be reached.",
  ],
  RFCF: [
    "failed by its own filter configuration",
    "configuration",
    "A filter could not be set up for this request.",
  ],
  IH: [
    "an invalid header value was refused",
    "client",
    "A header that must have a certain form did not.",
  ],
  SI: [
    "the stream was idle too long",
    "limit",
    "No byte in either direction within the stream's idle time-out.",
  ],
  NFCF: [
    "no filter configuration arrived",
    "configuration",
    "A filter's discovered configuration was not there within its time-out.",
  ],
  OM: [
    "refused by the overload manager",
    "limit",
    "The proxy is short of memory or connections and sheds load.",
  ],
  DF: [
    "the name did not resolve",
    "upstream",
    "DNS for an external host failed. Look at the ServiceEntry's host and resolution.",
  ],
  DO: ["dropped by the overload manager", "limit", "The proxy is overloaded and drops requests."],
  "-": ["nothing unusual", "upstream", "The answer is the upstream's own."],
};

/**
 * Explains the flags of one log line, such as `UF,URX`.
 * An unknown flag is named as such and never dropped; no flag at all gives an empty list.
 */
export function explainFlags(flags: string): FlagMeaning[] {
  return flags
    .split(",")
    .map((flag) => flag.trim())
    .filter((flag) => flag !== "" && flag !== "-")
    .map((flag) => {
      const row = Object.hasOwn(meanings, flag) ? meanings[flag] : undefined;
      if (!row) {
        return {
          flag,
          title: "a flag this console does not know",
          hint: "See RESPONSE_FLAGS in Envoy's access log documentation.",
          side: "upstream",
        };
      }
      return { flag, title: row[0], side: row[1], hint: row[2] };
    });
}

/** One sentence for a list: `could not connect to the upstream; all retries used up`. */
export function flagsSentence(flags: string): string {
  return explainFlags(flags)
    .map((meaning) => meaning.title)
    .join("; ");
}
