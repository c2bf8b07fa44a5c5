/** Listeners that a Sidecar has its application connect to, where that is not intercepted. */
import type { Listener } from "@heddle/envoy/config/listener/v3";
import { tcpProxy } from "../filter/tcp-proxy.ts";
import { BLACK_HOLE_CLUSTER } from "../names.ts";
import { type ClientView, derivation, type ModelReader } from "../read.ts";
import { type BoundEgress, boundEgress, connectionHosts } from "../route/bound-egress.ts";
import {
  hostConnectionsKey,
  type HostConnectionsKey,
  hostConnectionsText,
} from "../route/connection-routes.ts";
import type { Peer } from "../telemetry/peer.ts";
import { peerKey } from "../telemetry/telemetry.ts";
import { socketAddress } from "./address.ts";
import { TLS_INSPECTOR } from "./listener-filters.ts";
import { outboundHttp, targetChains } from "./outbound-chains.ts";

export function boundListeners(
  read: ModelReader,
  peer: Peer,
  view: ClientView,
): readonly Listener[] {
  return boundEgress(read, view).map((bound) => {
    const hosts = bound.http ? [] : connectionHosts(read, view, bound);
    const targets = hosts.map((each) => hostConnectionsKey(read, view, each));
    return read.get(boundListener, { peer, bound, targets });
  });
}

const boundListener = derivation<
  {
    readonly peer: Peer;
    readonly bound: BoundEgress;
    /** Of connections; none where requests are routed, or where there is nobody to connect to. */
    readonly targets: readonly HostConnectionsKey[];
  },
  Listener
>(
  "listener/bound-egress",
  ({ peer, bound, targets }) =>
    [JSON.stringify(bound), ...targets.map(hostConnectionsText), peerKey(peer)].join("|"),
  (read, { peer, bound, targets }) => {
    const name = `${bound.address}_${bound.port}`;
    const listener: Listener = {
      name,
      address: socketAddress(bound.address, bound.port),
      trafficDirection: "OUTBOUND",
    };
    if (targets.length === 0) {
      const filters = bound.http
        ? [outboundHttp(read, peer, `outbound_${name}`, bound.routeName)]
        : tcpProxy(read, { leg: "outbound", peer }, BLACK_HOLE_CLUSTER);
      return { ...listener, filterChains: [{ filters }] };
    }
    const { port } = bound;
    const alone = targets.length === 1;
    // The first host has what two of them ask for.
    const claims = { requests: new Set<string>(), connections: new Set<string>() };
    const perHost = targets.map((connections) => {
      const target = { connections, sniffed: false, subnets: [] };
      return targetChains(
        read,
        { peer, tableName: "", port, listener: name, table: false, alone, target },
        claims,
      );
    });
    const chains = perHost.flatMap((each) => each.chains);
    const last = perHost.find((each) => each.last !== undefined)?.last;
    const byName = chains.some(({ filterChainMatch }) => filterChainMatch?.serverNames);
    if (chains.length === 0 && last !== undefined) return { ...listener, filterChains: [last] };
    return {
      ...listener,
      ...(byName
        ? {
            listenerFilters: [TLS_INSPECTOR],
            // A client that waits for the server to speak first is let through.
            listenerFiltersTimeout: "5s",
            continueOnListenerFiltersTimeout: true,
          }
        : {}),
      filterChains: chains,
      ...(last === undefined ? {} : { defaultFilterChain: last }),
    };
  },
);
