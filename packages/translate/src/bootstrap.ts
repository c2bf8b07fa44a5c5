/** What an Envoy starts with: who it is, where its configuration comes from, and the listeners that watch over it. */
import type { Bootstrap } from "@heddle/envoy/config/bootstrap/v3";
import type { Cluster } from "@heddle/envoy/config/cluster/v3";
import type { ApiConfigSource, ConfigSource } from "@heddle/envoy/config/core/v3";
import type { Listener } from "@heddle/envoy/config/listener/v3";
import { NOWHERE_CLUSTER, OTLP_CLUSTER, XDS_CLUSTER } from "./names.ts";
import { adminListeners, ADMIN_CLUSTER } from "./listener/admin.ts";
import { statsConfig, STATS_EVICTION_INTERVAL } from "./telemetry/stats-config.ts";
import { extension, typedConfig } from "./typed-config.ts";
import { agentTls, tokenFilters, type XdsSecurity } from "./xds-security.ts";

export interface HostPort {
  /** An IP address, or a name that is resolved again and again. */
  readonly address: string;
  readonly port: number;
}

export interface BootstrapOptions {
  readonly node: {
    /** `sidecar~IP~POD.NAMESPACE~DOMAIN` or `router~…` */
    readonly id: string;
    readonly cluster: string;
    readonly metadata: Readonly<Record<string, unknown>>;
    readonly locality?: {
      readonly region?: string;
      readonly zone?: string;
      readonly subZone?: string;
    };
  };
  /** The agent's ADS; in the clear, and believed, where nothing is said of security. */
  readonly xds: HostPort & { readonly security?: XdsSecurity };
  /** The agent's OTLP gRPC receiver; in the clear, and believed, where nothing is said of security. */
  readonly otlp: HostPort & { readonly security?: XdsSecurity };
  /** Envoy's admin interface: loopback, since it can do anything. */
  readonly admin: HostPort;
  /** Where Prometheus may scrape; no such listener without it. */
  readonly prometheus?: HostPort;
  /** Asks the agent what to check, and tells it how that goes: for machines whose WorkloadGroup has a probe. */
  readonly healthChecks?: boolean;
  /** Where readiness is answered; no such listener without it. */
  readonly health?: HostPort;
}

/** With jitter, by Envoy; its own maximum would leave a proxy without news for half a minute. */
const RECONNECT = { retryBackOff: { baseInterval: "0.250s", maxInterval: "3s" } };
/** A dead agent is noticed within half a minute, and no middle box forgets the stream. */
const KEEPALIVE = { interval: "30s", timeout: "5s" };
/** More connections than this in one proxy mean that something is wrong; health and statistics are still served. */
const MAX_CONNECTIONS = 50_000;

/** Configuration comes over one delta ADS stream; the proxy is not ready before it has it. */
export function bootstrap(options: BootstrapOptions): Bootstrap {
  return {
    ...foundation(options),
    dynamicResources: {
      adsConfig: ADS_STREAM,
      cdsConfig: OVER_ADS,
      ldsConfig: OVER_ADS,
    },
  };
}

/** After Envoy's default of 30 s without an answer it would call itself ready, and be empty. */
const OVER_ADS: ConfigSource = { ads: {}, resourceApiVersion: "V3", initialFetchTimeout: "0s" };

export const ADS_STREAM: ApiConfigSource = {
  apiType: "DELTA_GRPC",
  transportApiVersion: "V3",
  setNodeOnFirstMessageOnly: true,
  grpcServices: [{ envoyGrpc: { clusterName: XDS_CLUSTER, retryPolicy: RECONNECT } }],
};

const HDS_STREAM: ApiConfigSource = {
  apiType: "GRPC",
  transportApiVersion: "V3",
  grpcServices: [{ envoyGrpc: { clusterName: XDS_CLUSTER } }],
};

/** All but where configuration comes from. */
export function foundation(options: BootstrapOptions): Bootstrap & {
  readonly staticResources: {
    readonly listeners: readonly Listener[];
    readonly clusters: readonly Cluster[];
  };
} {
  const { node, xds, otlp, admin, healthChecks = false } = options;
  return {
    node: {
      ...node,
      metadata: node.metadata as NonNullable<NonNullable<Bootstrap["node"]>["metadata"]>,
    },
    admin: { address: { socketAddress: { address: admin.address, portValue: admin.port } } },
    staticResources: {
      listeners: adminListeners(options),
      clusters: [
        http2Cluster(XDS_CLUSTER, xds, xds.security),
        http2Cluster(OTLP_CLUSTER, otlp, otlp.security),
        staticCluster(ADMIN_CLUSTER, admin),
        { name: NOWHERE_CLUSTER, type: "STATIC", loadAssignment: { clusterName: NOWHERE_CLUSTER } },
      ],
    },
    ...(healthChecks ? { hdsConfig: HDS_STREAM } : {}),
    statsConfig: statsConfig(),
    statsEvictionInterval: STATS_EVICTION_INTERVAL,
    layeredRuntime: {
      layers: [
        // Room for the regular expressions that people write; RE2 is linear in the input whatever they write.
        { name: "static", staticLayer: { "re2.max_program_size.error_level": 32_768 } },
        { name: "admin", adminLayer: {} },
      ],
    },
    overloadManager: {
      resourceMonitors: [
        extension(
          "envoy.resource_monitors.global_downstream_max_connections",
          "envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
          { maxActiveDownstreamConnections: String(MAX_CONNECTIONS) },
        ),
      ],
    },
  };
}

function http2Cluster(name: string, target: HostPort, security?: XdsSecurity): Cluster {
  return {
    ...staticCluster(name, target),
    typedExtensionProtocolOptions: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": typedConfig(
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        {
          explicitHttpConfig: { http2ProtocolOptions: { connectionKeepalive: KEEPALIVE } },
          ...(security ? { httpFilters: tokenFilters(security) } : {}),
        },
      ),
    },
    ...(security ? { transportSocket: agentTls(security) } : {}),
    upstreamConnectionOptions: { tcpKeepalive: { keepaliveTime: 30 } },
  };
}

function staticCluster(name: string, { address, port }: HostPort): Cluster {
  const literal = /^[\d.]+$/.test(address) || address.includes(":");
  return {
    name,
    type: literal ? "STATIC" : "STRICT_DNS",
    connectTimeout: "2s",
    loadAssignment: {
      clusterName: name,
      endpoints: [
        {
          lbEndpoints: [{ endpoint: { address: { socketAddress: { address, portValue: port } } } }],
        },
      ],
    },
  };
}
