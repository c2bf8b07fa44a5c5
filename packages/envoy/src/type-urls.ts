/** Type URLs of the resources that an xDS server hands out. */

const prefix = "type.googleapis.com/";

/** The type URL of a message by its full name. */
export function typeUrl<Name extends string>(typeName: Name): `type.googleapis.com/${Name}` {
  return `${prefix}${typeName}`;
}

/** The full message name in a type URL: what follows its last slash. */
export function typeNameOf(url: string): string {
  return url.slice(url.lastIndexOf("/") + 1);
}

export const resourceTypes = {
  cluster: "envoy.config.cluster.v3.Cluster",
  endpoint: "envoy.config.endpoint.v3.ClusterLoadAssignment",
  listener: "envoy.config.listener.v3.Listener",
  route: "envoy.config.route.v3.RouteConfiguration",
  virtualHost: "envoy.config.route.v3.VirtualHost",
  secret: "envoy.extensions.transport_sockets.tls.v3.Secret",
  extension: "envoy.config.core.v3.TypedExtensionConfig",
  runtime: "envoy.service.runtime.v3.Runtime",
} as const;

/** Type URLs by the short names that control planes use. */
export const typeUrls = {
  cluster: typeUrl(resourceTypes.cluster),
  endpoint: typeUrl(resourceTypes.endpoint),
  listener: typeUrl(resourceTypes.listener),
  route: typeUrl(resourceTypes.route),
  virtualHost: typeUrl(resourceTypes.virtualHost),
  secret: typeUrl(resourceTypes.secret),
  extension: typeUrl(resourceTypes.extension),
  runtime: typeUrl(resourceTypes.runtime),
} as const;
