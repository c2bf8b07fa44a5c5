/** Where iptables lead a workload's questions for addresses of names. */
import type { FilterChain, Listener } from "@heddle/envoy/config/listener/v3";
import type { DnsFilterConfig } from "@heddle/envoy/extensions/filters/udp/dns_filter/v3";
import type { CaresDnsResolverConfig } from "@heddle/envoy/extensions/network/dns_resolver/cares/v3";
import { type DnsTableKey, dnsNames } from "../dns/table.ts";
import { type Families, familiesOf } from "../families.ts";
import { blackHole, tcpProxy } from "../filter/tcp-proxy.ts";
import { horizonOf } from "../form/horizon.ts";
import {
  BLACK_HOLE_CLUSTER,
  DNS_CAPTURE_PORT,
  DNS_LISTENER,
  DNS_TCP_LISTENER,
  PASSTHROUGH_CLUSTER,
} from "../names.ts";
import type { ProxyDescription } from "../proxy.ts";
import { type ClientView, derivation, type ModelReader } from "../read.ts";
import { type Peer, peerOfProxy } from "../telemetry/peer.ts";
import { peerKey } from "../telemetry/telemetry.ts";
import { extension } from "../typed-config.ts";
import { ORIGINAL_DESTINATION } from "./listener-filters.ts";

const LOOPBACK = "127.0.0.1";
const LOOPBACK_V6 = "::1";
/** The least that Envoy takes, and what clusters' DNS mostly says. */
const TTL = "30s";
/**
 * Resolvers are asked again after one second, then two and so on, for 15 in all. Envoy says of whatever failed that there is no such
 * name: whoever asks has long given up by then, and asked again.
 */
const FIRST_WAIT_SECONDS = 1;
const TRIES = 4;
const LOOKUP_TIMEOUT = "20s";
/** Of one worker. More than this at a time, and Envoy says that there is no such name. */
const MAX_PENDING = 4096;

/** For a sidecar that asks for it; of the workload's own loopback, so that nobody else asks here. */
export function dnsListeners(
  read: ModelReader,
  proxy: ProxyDescription,
  view: ClientView,
): readonly Listener[] {
  if (!proxy.dnsCapture || proxy.interception !== "REDIRECT") return [];
  const families = familiesOf(proxy.addresses);
  const { namespace } = proxy;
  return [
    read.get(dnsOverUdp, { horizon: horizonOf(read, view), namespace, families }),
    read.get(dnsOverTcp, { peer: peerOfProxy(read, proxy), families }),
  ];
}

const dnsOverUdp = derivation<DnsTableKey, Listener>(
  "listener/dns",
  ({ horizon, namespace, families }) => JSON.stringify([horizon, namespace, families]),
  (read, key) => ({
    name: DNS_LISTENER,
    ...loopback(key.families, "UDP"),
    udpListenerConfig: { downstreamSocketConfig: {} },
    trafficDirection: "OUTBOUND",
    listenerFilters: [
      extension<DnsFilterConfig>(
        "envoy.filters.udp.dns_filter",
        "envoy.extensions.filters.udp.dns_filter.v3.DnsFilterConfig",
        {
          statPrefix: "dns",
          caseInsensitive: true,
          serverConfig: {
            inlineDnsTable: {
              virtualDomains: read.get(dnsNames, key).map(({ name, addresses }) => ({
                name,
                endpoint: { addressList: { address: [...addresses] } },
                answerTtl: TTL,
              })),
            },
          },
          clientConfig: {
            resolverTimeout: LOOKUP_TIMEOUT,
            maxPendingLookups: String(MAX_PENDING),
            typedDnsResolverConfig: extension<CaresDnsResolverConfig>(
              "envoy.network.dns_resolver.cares",
              "envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig",
              {
                // Whoever asks has gone through the search domains already.
                dnsResolverOptions: { noDefaultSearchDomain: true },
                queryTimeoutSeconds: String(FIRST_WAIT_SECONDS),
                queryTries: TRIES,
              },
            ),
          },
        },
      ),
    ],
  }),
);

/** Envoy answers no DNS over TCP: such questions go on to the resolver that they were meant for. */
const dnsOverTcp = derivation<{ readonly peer: Peer; readonly families: Families }, Listener>(
  "listener/dns-tcp",
  ({ peer, families }) => `${families}|${peerKey(peer)}`,
  (read, { peer, families }) => {
    const trap: FilterChain = {
      // Connections to the port itself would be led back here for ever.
      name: `${DNS_TCP_LISTENER}-trap`,
      filterChainMatch: { destinationPort: DNS_CAPTURE_PORT },
      filters: [blackHole(BLACK_HOLE_CLUSTER)],
    };
    return {
      name: DNS_TCP_LISTENER,
      ...loopback(families, "TCP"),
      trafficDirection: "OUTBOUND",
      listenerFilters: [ORIGINAL_DESTINATION],
      filterChains: [
        trap,
        {
          name: DNS_TCP_LISTENER,
          filters: tcpProxy(read, { leg: "outbound", peer }, PASSTHROUGH_CLUSTER),
        },
      ],
    };
  },
);

function loopback(
  families: Families,
  protocol: "TCP" | "UDP",
): Pick<Listener, "address" | "additionalAddresses"> {
  const at = (address: string) => ({
    socketAddress: { protocol, address, portValue: DNS_CAPTURE_PORT },
  });
  if (families === "v6") return { address: at(LOOPBACK_V6) };
  if (families === "v4") return { address: at(LOOPBACK) };
  return { address: at(LOOPBACK), additionalAddresses: [{ address: at(LOOPBACK_V6) }] };
}
