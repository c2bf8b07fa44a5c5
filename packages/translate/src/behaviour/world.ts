/** A mesh of tests: objects in, and what one proxy gets of them, as a static bootstrap. */
import { type MeshObject, objectKey } from "@heddle/model";
import type { Cluster } from "@heddle/envoy/config/cluster/v3";
import type { Secret } from "@heddle/envoy/extensions/transport_sockets/tls/v3";
import { Claims } from "../engine/claims.ts";
import { Engine } from "../engine/engine.ts";
import { parseNode } from "../node.ts";
import { outboundCluster, inboundCluster, clientAlpn } from "../names.ts";
import type { ClientView, MeshSettings } from "../read.ts";
import { staticBootstrap } from "../static-bootstrap.ts";
import { createReader } from "../store/reader.ts";
import { Store } from "../store/store.ts";
import { clusterMetadata, endpointMetadata } from "../telemetry/peer.ts";
import { trafficResources } from "../traffic-resources.ts";

export interface ProxyOptions {
  readonly type?: "sidecar" | "router";
  readonly pod: string;
  readonly address: string;
  readonly namespace?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly httpProxyPort?: number;
  /** Where the application behind a sidecar listens. */
  readonly appAddress?: string;
  readonly secrets?: readonly Secret[];
  readonly otlp?: { readonly address: string; readonly port: number };
  readonly interception?: "NONE" | "REDIRECT";
}

export const MESH: MeshSettings = {
  name: "test",
  trustDomain: "cluster.local",
  rootNamespace: "istio-system",
  outboundTrafficPolicy: "ALLOW_ANY",
  traceSampling: 100,
  accessLog: true,
  clusterDomain: "cluster.local",
};

export function bootstrapOf(
  objects: readonly MeshObject[],
  options: ProxyOptions,
  mesh: Partial<MeshSettings> = {},
) {
  const {
    type = "sidecar",
    pod,
    address,
    namespace = "default",
    labels,
    httpProxyPort,
    appAddress,
  } = options;
  const proxy = parseNode({
    id: `${type}~${address}~${pod}.${namespace}~${namespace}.svc.cluster.local`,
    metadata: {
      NAMESPACE: namespace,
      LABELS: labels,
      CLUSTER_ID: "c1",
      INSTANCE_IPS: address,
      INTERCEPTION_MODE: options.interception ?? "NONE",
      ...(httpProxyPort ? { HTTP_PROXY_PORT: String(httpProxyPort) } : {}),
      ...(appAddress ? { APP_ADDRESS: appAddress } : {}),
    },
  });
  const claims = new Claims();
  const store = new Store({ ...MESH, ...mesh }, "c1", claims);
  const engine = new Engine(claims);
  const read = createReader(store, "stable", engine);
  engine.reader = read;
  store.apply(objects.map((object) => ({ key: objectKey(object), object })));
  const view: ClientView = {
    key: "v",
    type,
    namespace,
    labels,
    clusterId: "c1",
    locality: undefined,
    cohort: "stable",
  };
  const clusters = new Map<string, Cluster>();
  const add = (c: Cluster) => clusters.set(c.name ?? "", c);
  for (const host of read.hosts(namespace)) {
    const service = read.service(host)!;
    const dr = read.destinationRule(host, namespace)?.spec;
    for (const { port, protocol } of service.ports)
      for (const subset of ["", ...(dr?.subsets ?? []).map((s) => s.name)]) {
        const wanted = dr?.subsets?.find((s) => s.name === subset)?.labels ?? {};
        const eps = read
          .endpoints(host, port)
          .filter((e) => Object.entries(wanted).every(([k, v]) => e.labels[k] === v));
        const tls = eps.some((e) => e.mtls) && options.secrets;
        const h2 = protocol === "GRPC" || protocol === "HTTP2";
        add({
          name: outboundCluster(host, port, subset),
          type: "STATIC",
          connectTimeout: "1s",
          metadata: clusterMetadata(service),
          loadAssignment: {
            clusterName: "x",
            endpoints: [
              {
                lbEndpoints: eps.map((e) => ({
                  endpoint: {
                    address: { socketAddress: { address: e.address, portValue: e.port } },
                  },
                  metadata: endpointMetadata(e),
                })),
              },
            ],
          },
          ...(dr?.trafficPolicy?.loadBalancer?.consistentHash
            ? { lbPolicy: "RING_HASH" as const }
            : {}),
          ...(h2
            ? {
                typedExtensionProtocolOptions: {
                  "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                    "@type":
                      "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                    explicitHttpConfig: { http2ProtocolOptions: {} },
                  },
                },
              }
            : {}),
          ...(tls
            ? {
                transportSocket: {
                  name: "tls",
                  typedConfig: {
                    "@type":
                      "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
                    sni: host,
                    commonTlsContext: {
                      alpnProtocols: clientAlpn(
                        protocol === "TCP" ? "tcp" : h2 ? "http2" : "http1",
                      ),
                      tlsParams: { tlsMaximumProtocolVersion: "TLSv1_3" },
                      tlsCertificateSdsSecretConfigs: [{ name: "default", sdsConfig: { ads: {} } }],
                      validationContextSdsSecretConfig: { name: "ROOTCA", sdsConfig: { ads: {} } },
                    },
                  },
                },
              }
            : {}),
        });
      }
  }
  for (const { targetPort, service, protocol } of trafficResources.inboundPorts(read, proxy)) {
    add({
      name: inboundCluster(targetPort),
      type: "STATIC",
      connectTimeout: "1s",
      metadata: clusterMetadata(service),
      loadAssignment: {
        clusterName: "x",
        endpoints: [
          {
            lbEndpoints: [
              {
                endpoint: {
                  address: { socketAddress: { address: proxy.appAddress, portValue: targetPort } },
                },
              },
            ],
          },
        ],
      },
      ...(protocol === "GRPC" || protocol === "HTTP2"
        ? {
            typedExtensionProtocolOptions: {
              "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type":
                  "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                explicitHttpConfig: { http2ProtocolOptions: {} },
              },
            },
          }
        : {}),
    });
  }
  for (const name of ["PassthroughCluster", "InboundPassthroughCluster"])
    add({ name, type: "ORIGINAL_DST", lbPolicy: "CLUSTER_PROVIDED", connectTimeout: "1s" });
  add({ name: "BlackHoleCluster", type: "STATIC", connectTimeout: "1s" });
  const routes = new Map(
    trafficResources
      .routeNames(read, proxy, view)
      .map((n) => [n, trafficResources.routeConfiguration(read, proxy, view, n)] as const),
  );
  const listeners = trafficResources.listeners(read, proxy, view);
  return staticBootstrap(
    proxy,
    {
      resources: (t) =>
        t === "route"
          ? routes
          : t === "listener"
            ? listeners
            : t === "cluster"
              ? clusters
              : new Map(),
    },
    {
      admin: { address, port: 15000 },
      prometheus: { address, port: 15090 },
      health: { address, port: 15021 },
      ...(options.secrets ? { secrets: options.secrets } : {}),
      ...(options.otlp ? { otlp: options.otlp } : {}),
    },
  );
}
