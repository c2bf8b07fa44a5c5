/**
 * Interception without iptables: an Envoy learns where a connection was meant to go from a PROXY header in front of it,
 * instead of from the kernel. All that follows is as it would be in a pod.
 */
import type { Bootstrap } from "@heddle/envoy/config/bootstrap/v3";
import type { Listener, ListenerFilter } from "@heddle/envoy/config/listener/v3";
import { connect, type Socket } from "node:net";

const OUTBOUND_PORT = 15001;
const INBOUND_PORT = 15006;

const PROXY_HEADER: ListenerFilter = {
  name: "envoy.filters.listener.proxy_protocol",
  typedConfig: {
    "@type":
      "type.googleapis.com/envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol",
  },
};

const ASKS_KERNEL = "envoy.filters.listener.original_dst";

/** Captures at the workload's own address, since tests of many workloads share a machine. */
export function intercepted(bootstrap: Bootstrap, address: string): Bootstrap {
  const { listeners = [], ...resources } = bootstrap.staticResources ?? {};
  return {
    ...bootstrap,
    staticResources: { ...resources, listeners: listeners.map((each) => captured(each, address)) },
  };
}

/** One of its listeners. */
export function captured(listener: Listener, address: string): Listener {
  const { name, address: bound } = listener;
  if (name !== "virtualOutbound" && name !== "virtualInbound") return listener;
  const portValue = bound?.socketAddress?.portValue ?? 0;
  return {
    ...listener,
    address: { socketAddress: { address, portValue } },
    listenerFilters: [
      PROXY_HEADER,
      ...(listener.listenerFilters ?? []).filter(({ name: filter }) => filter !== ASKS_KERNEL),
    ],
  };
}

export interface Destination {
  /** An address and a port, `10.0.0.1:80` or `[fd00::1]:80`. */
  readonly to: string;
  readonly from?: string;
}

/** A connection of a workload's application, as iptables would lead it to the workload's Envoy. */
export function connectThrough(workload: string, destination: Destination): Promise<Socket> {
  return connectLed(workload, OUTBOUND_PORT, destination);
}

/** A connection to one of a workload's own ports, as iptables would lead it to the workload's Envoy. */
export function connectInto(workload: string, port: number): Promise<Socket> {
  return connectLed(workload, INBOUND_PORT, { to: `${workload}:${port}` });
}

function connectLed(
  workload: string,
  capturePort: number,
  { to, from = to.startsWith("[") ? "[fd99::1]:40000" : "10.99.0.1:40000" }: Destination,
): Promise<Socket> {
  const family = to.startsWith("[") ? "TCP6" : "TCP4";
  const [destination, port] = addressAndPort(to);
  const [source, sourcePort] = addressAndPort(from);
  return new Promise((resolve, reject) => {
    const socket = connect(capturePort, workload, () => {
      socket.write(`PROXY ${family} ${source} ${destination} ${sourcePort} ${port}\r\n`);
      resolve(socket);
    });
    socket.once("error", reject);
  });
}

function addressAndPort(text: string): [string, string] {
  const colon = text.lastIndexOf(":");
  return [text.slice(0, colon).replace(/^\[|\]$/g, ""), text.slice(colon + 1)];
}
