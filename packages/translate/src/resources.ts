/** What a view of a proxy is assembled from on the side of listeners and routes: the signatures that the engine calls. */
import type { Listener } from "@heddle/envoy/config/listener/v3";
import type { RouteConfiguration, VirtualHost } from "@heddle/envoy/config/route/v3";
import type { ConnectionPoolSettings, ServiceModel } from "@heddle/model";
import type { ListenerTls } from "./form/gateway-listener.ts";
import type { ProxyDescription } from "./proxy.ts";
import type { ClientView, ModelReader } from "./read.ts";

/**
 * Every function reads through `read` alone and takes shared values from `read.get`, so that what it returns keeps its
 * object identity while nothing that it was made from has changed.
 */
export interface TrafficResources {
  /** All listeners of a proxy, outbound and inbound of a sidecar, or a gateway's, in groups that depend on other objects. */
  listenerGroups(
    read: ModelReader,
    proxy: ProxyDescription,
    view: ClientView,
  ): readonly (() => readonly Listener[])[];
  /** Names of the route configurations that its listeners ask for by RDS, sorted. */
  routeNames(read: ModelReader, proxy: ProxyDescription, view: ClientView): readonly string[];
  /** One route configuration by name; undefined if this proxy has none of that name. */
  routeConfiguration(
    read: ModelReader,
    proxy: ProxyDescription,
    view: ClientView,
    name: string,
  ): RouteConfiguration | undefined;
  /** A virtual host that a client asks for, by `<route>/<authority>`; undefined for one that does not ask for virtual hosts. */
  askedVirtualHost(read: ModelReader, view: ClientView, name: string): VirtualHost | undefined;
  /** The API listener that a gRPC client (`xds:///host:port`) asks for by name; undefined for unknown hosts. */
  apiListener(read: ModelReader, view: ClientView, name: string): Listener | undefined;
  /** SDS names that a proxy's listeners refer to (`default`, `ROOTCA`, `kubernetes://…`), sorted. Clusters' are the engine's. */
  listenerSecrets(read: ModelReader, proxy: ProxyDescription): readonly string[];
  /** Ports that the workload serves: one inbound cluster `inbound|<targetPort>||` each. */
  inboundPorts(read: ModelReader, proxy: ProxyDescription): readonly InboundPort[];
}

export interface InboundPort {
  readonly targetPort: number;
  readonly servicePort: number;
  readonly service: ServiceModel;
  readonly protocol: ServiceModel["ports"][number]["protocol"];
  /** Where the application listens, where that is not the target port of its own address. */
  readonly endpoint?: { readonly address: string; readonly port: number };
  /** How much the application is sent at a time; no limit where it is left out. */
  readonly pool?: ConnectionPoolSettings;
  /** For clients outside of the mesh; there only where mutual TLS is off. */
  readonly tls?: ListenerTls;
  /** Where the proxy listens, where traffic is not led to it. */
  readonly bind?: string;
}
