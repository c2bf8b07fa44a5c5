/** Where the demo's processes listen, all on loopback. */
import type { DemoCluster } from "./demo-cluster.ts";
import type { WantedAddress } from "./free-ports.ts";
import type { LocalPod } from "./pods.ts";

export const XDS_PORT = 15010;
export const METRICS_PORT = 15014;
export const OTLP_PORT = 4317;
/** Where an application finds its sidecar as an HTTP proxy. */
export const HTTP_PROXY_PORT = 15001;
/** Admin, statistics and health of an Envoy. */
export const SIDE_PORTS = { admin: 15000, prometheus: 15090, health: 15021 } as const;
const MAX_PORT = 65_535;

/** The agent's own address in a block. */
export function agentHost(block: number): string {
  return `127.${block}.0.1`;
}

/** Where a pod's Envoy has its side ports; the gateway shares 127.0.0.1 with everything else, so its own are in the block. */
export function sideAddress(pod: LocalPod, cluster: DemoCluster, block: number): string {
  return pod === cluster.gateway ? `127.${block}.0.2` : pod.address;
}

export function demoAddresses(
  cluster: DemoCluster,
  { block, gatewayPort }: { readonly block: number; readonly gatewayPort: number },
): WantedAddress[] {
  const inBlock = (host: string, port: number, what: string): WantedAddress => ({
    host,
    port,
    what,
    flag: "--block",
  });
  const gateway = [
    { port: gatewayPort, what: "the gateway" },
    { port: gatewayPort + 1, what: "the gateway's HTTPS" },
  ].filter(({ port }) => port <= MAX_PORT);
  return [
    ...gateway.map(({ port, what }): WantedAddress => ({
      host: cluster.gateway.address,
      port,
      what,
      flag: "--gateway-port",
    })),
    inBlock(agentHost(block), XDS_PORT, "the agent's xDS"),
    inBlock(agentHost(block), METRICS_PORT, "the agent's metrics"),
    inBlock(agentHost(block), OTLP_PORT, "the agent's telemetry"),
    ...[...cluster.pods, cluster.gateway].flatMap((pod) =>
      Object.values(SIDE_PORTS).map((port) =>
        inBlock(sideAddress(pod, cluster, block), port, `the Envoy of ${pod.name}`),
      ),
    ),
    ...cluster.pods.flatMap((pod) => [
      inBlock(pod.address, HTTP_PROXY_PORT, `the Envoy of ${pod.name}`),
      ...pod.ports.flatMap((port) => [
        inBlock(pod.address, port, `the Envoy of ${pod.name}`),
        inBlock(pod.appAddress, port, pod.name),
      ]),
    ]),
  ];
}
