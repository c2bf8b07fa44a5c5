/** Which HTTP a cluster speaks, and how long it keeps connections: `HttpProtocolOptions`. */
import type { MatchPredicate } from "@heddle/envoy/config/common/matcher/v3";
import type {
  Http2ProtocolOptions,
  HttpProtocolOptions as Common,
} from "@heddle/envoy/config/core/v3";
import type { HttpProtocolOptions } from "@heddle/envoy/extensions/upstreams/http/v3";
import {
  type GatewayApi,
  type HTTPSettings,
  isHttp,
  isHttp2,
  type OutlierDetection,
  protoDuration,
  type TCPSettings,
} from "@heddle/model";
import type { ClusterContext, ClusterFeature } from "./feature.ts";
import { originates } from "./originates.ts";
import { expectedNames } from "./upstream-tls.ts";

const EXTENSION = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

/** http1 and http2: always that; client: what the client spoke, which for ports that do not say may be either. */
export type UpstreamHttp = "http1" | "http2" | "client" | "none";

export function upstreamHttp(context: ClusterContext): UpstreamHttp {
  const { port, policy, reach } = context;
  const { useClientProtocol, h2UpgradePolicy } = policy.connectionPool?.http ?? {};
  if (isHttp2(port.protocol)) return "http2";
  // Whoever asks for it knows what listens there: also where a tunnel goes through a port of another protocol.
  if (h2UpgradePolicy === "UPGRADE" && useClientProtocol !== true) return "http2";
  if (port.protocol !== "AUTO" && !isHttp(port.protocol)) return "none";
  if (useClientProtocol === true) return "client";
  if (port.protocol !== "AUTO") return "http1";
  // A sidecar's client knows whom it calls. A gateway's are strangers, whose HTTP/2 says nothing of what listens behind it.
  if (reach !== "gateway") return "client";
  return takesGrpc(context) ? "http2" : "http1";
}

/** Whether a GRPCRoute leads to the port: that says what it speaks as well as its name would. */
function takesGrpc({ read, service, port }: ClusterContext): boolean {
  if (service.origin !== "Service") return false;
  return read.gatewayApi
    .routesTo(`${service.namespace}/${service.name}`)
    .some(
      ({ kind, spec }) =>
        kind === "GRPCRoute" &&
        ((spec.rules ?? []) as readonly GatewayApi.GRPCRouteRule[]).some(({ backendRefs = [] }) =>
          backendRefs.some((each) => each.name === service.name && each.port === port.port),
        ),
    );
}

export const httpProtocol: ClusterFeature = {
  name: "http protocol",
  apply(cluster, context) {
    const kind = upstreamHttp(context);
    if (kind === "none") return cluster;
    const { http = {}, tcp = {} } = context.policy.connectionPool ?? {};
    const common = commonOptions(http, tcp);
    const sni = sniFromRequest(context);
    const errors = errorsOf(context.policy.outlierDetection);
    // HTTP/1.1 with nothing else to say is what Envoy does without the extension.
    const plain = common === undefined && sni === undefined && errors === undefined;
    if (kind === "http1" && plain) return cluster;
    const options: HttpProtocolOptions = {
      ...(common === undefined ? {} : { commonHttpProtocolOptions: common }),
      ...(sni === undefined ? {} : { upstreamHttpProtocolOptions: sni }),
      ...(errors === undefined ? {} : { outlierDetection: { errorMatcher: errors } }),
      ...httpVersion(kind, http),
    };
    return {
      ...cluster,
      typedExtensionProtocolOptions: {
        [EXTENSION]: { "@type": `type.googleapis.com/${EXTENSION}`, ...options },
      },
    };
  },
};

/** Not for `none`. */
export function httpVersion(kind: UpstreamHttp, http: HTTPSettings): HttpProtocolOptions {
  const http2ProtocolOptions = http2(http);
  switch (kind) {
    case "http2":
      return { explicitHttpConfig: { http2ProtocolOptions } };
    case "client":
      return { useDownstreamProtocolConfig: { httpProtocolOptions: {}, http2ProtocolOptions } };
    default:
      return { explicitHttpConfig: { httpProtocolOptions: {} } };
  }
}

/** Which answers outlier detection counts as failures, instead of every 5xx. */
function errorsOf(settings: OutlierDetection | undefined): MatchPredicate | undefined {
  const rules = (settings?.outlierDetectionHttpErrorCodes ?? []).map((code): MatchPredicate => ({
    httpResponseHeadersMatch: {
      headers: [{ name: ":status", stringMatch: { exact: String(code) } }],
    },
  }));
  // A set has at least two members.
  return rules.length > 1 ? { orMatch: { rules } } : rules[0];
}

function http2({ maxConcurrentStreams, http2KeepAlive }: HTTPSettings): Http2ProtocolOptions {
  const { interval, timeout } = http2KeepAlive ?? {};
  return {
    ...(maxConcurrentStreams ? { maxConcurrentStreams } : {}),
    ...(http2KeepAlive === undefined
      ? {}
      : {
          connectionKeepalive: {
            ...(interval === undefined ? {} : { interval: protoDuration(interval) }),
            // Envoy refuses keepalive without a time-out.
            timeout: protoDuration(timeout ?? "10s"),
          },
        }),
  };
}

/** How long connections are kept, and for how many requests; undefined where nothing is said of it. */
export function commonOptions(http: HTTPSettings, tcp: TCPSettings): Common | undefined {
  const { idleTimeout = tcp.idleTimeout, maxRequestsPerConnection } = http;
  const { maxConnectionDuration } = tcp;
  const options: Common = {
    ...(idleTimeout === undefined ? {} : { idleTimeout: protoDuration(idleTimeout) }),
    ...(maxRequestsPerConnection ? { maxRequestsPerConnection } : {}),
    ...(maxConnectionDuration === undefined
      ? {}
      : { maxConnectionDuration: protoDuration(maxConnectionDuration) }),
  };
  return Object.keys(options).length === 0 ? undefined : options;
}

/** TLS to a host outside that gives no server name: the name is the request's, and the certificate has to be for it. */
function sniFromRequest(
  context: ClusterContext,
): HttpProtocolOptions["upstreamHttpProtocolOptions"] | undefined {
  const { tls } = context.policy;
  if (tls === undefined || !originates(context, tls) || tls.sni) return undefined;
  const checked = expectedNames(context).length > 0 || tls.insecureSkipVerify === true;
  return checked ? { autoSni: true } : { autoSni: true, autoSanValidation: true };
}
