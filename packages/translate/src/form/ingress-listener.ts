/** What a Sidecar takes in for its workload, in the intermediate form. */
import {
  type ConnectionPoolSettings,
  type IstioIngressListener,
  protocolNamed,
  type ServiceModel,
  type Sidecar,
} from "@heddle/model";
import { istioTls } from "./gateway.ts";
import type { ListenerTls } from "./gateway-listener.ts";

export interface IngressListener {
  readonly port: number;
  /** What clients speak, TLS included. */
  readonly protocol: ServiceModel["ports"][number]["protocol"];
  /** Where the proxy listens; undefined where traffic is led to it. */
  readonly bind: string | undefined;
  /** Where the application does. */
  readonly endpoint: ApplicationEndpoint;
  /** For clients outside of the mesh, where mutual TLS is off. */
  readonly tls: ListenerTls | undefined;
  readonly pool: ConnectionPoolSettings | undefined;
}

/** `loopback` and `instance` stand for the workload's own addresses. */
export type ApplicationEndpoint =
  | { readonly host: "loopback" | "instance"; readonly port: number }
  | { readonly path: string };

export function ingressListenersOf({
  ingress = [],
  inboundConnectionPool,
}: Sidecar): readonly IngressListener[] {
  return ingress.map((each) => listenerOf(each, inboundConnectionPool));
}

function listenerOf(
  { port, bind, captureMode, defaultEndpoint, tls, connectionPool }: IstioIngressListener,
  pool: ConnectionPoolSettings | undefined,
): IngressListener {
  const number = port.number ?? 0;
  const protocol = protocolNamed(port.protocol ?? "") ?? "TCP";
  const taken = tls && istioTls(tls);
  const captured = captureMode === "NONE" ? false : !bind || captureMode === "IPTABLES";
  return {
    port: number,
    protocol,
    bind: captured ? undefined : bind || "0.0.0.0",
    endpoint: endpointOf(defaultEndpoint, number),
    // Passed on, it is nothing but bytes.
    tls: taken?.mode === "PASSTHROUGH" ? undefined : taken,
    pool: connectionPool ?? pool,
  };
}

/** `127.0.0.1:PORT`, `[::1]:PORT`: loopback; `0.0.0.0:PORT`, `[::]:PORT`, `:PORT`: the workload's own address; `unix:///PATH`. */
function endpointOf(text: string | undefined, port: number): ApplicationEndpoint {
  if (!text) return { host: "loopback", port };
  if (text.startsWith("unix://")) return { path: text.slice("unix://".length) };
  const colon = text.lastIndexOf(":");
  const address = text.slice(0, colon);
  const loopback = address === "127.0.0.1" || address === "[::1]";
  return { host: loopback ? "loopback" : "instance", port: Number(text.slice(colon + 1)) };
}
