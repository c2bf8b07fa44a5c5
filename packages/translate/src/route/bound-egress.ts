/** Egress listeners of a Sidecar that an application connects to by itself, and their routes. */
import { isTls } from "@heddle/model";
import { egress, type EgressListener } from "../form/egress.ts";
import { followsRulesOn, horizonOf, hostsWithin, inSightOf } from "../form/horizon.ts";
import { HTTP_PROXY_ROUTE } from "../names.ts";
import type { ClientView, ModelReader } from "../read.ts";
import { routeTable, type TableEntry, type TableName } from "./route-table.ts";

export interface BoundEgress {
  /** Position in the Sidecar's egress. */
  readonly index: number;
  /** An IP address, or `unix:///PATH`. */
  readonly address: string;
  /** 0 for a Unix socket. */
  readonly port: number;
  readonly http: boolean;
  /** `egress.<port>.<index>`. */
  readonly routeName: string;
}

export function boundEgress(read: ModelReader, view: ClientView): readonly BoundEgress[] {
  const found = view.sidecar === undefined ? undefined : read.get(egress, view.sidecar);
  return (found?.listeners ?? []).flatMap(({ port = 0, bound }: EgressListener, index) =>
    bound === undefined
      ? []
      : [{ index, port, ...bound, routeName: `egress.${port}.${index}` } satisfies BoundEgress],
  );
}

/** The listener that a route name is for; undefined for names of other routes. */
export function boundEgressNamed(
  read: ModelReader,
  view: ClientView,
  name: string,
): BoundEgress | undefined {
  return name.startsWith("egress.")
    ? boundEgress(read, view).find(({ routeName }) => routeName === name)
    : undefined;
}

/** A socket is for every port, each told by the authority; a port of its own is for services on that port. */
export function tableOf({ port }: BoundEgress): TableName {
  return port === 0 ? HTTP_PROXY_ROUTE : String(port);
}

/** Hosts and ports that a listener leads to. */
export function entriesOf(
  read: ModelReader,
  view: ClientView,
  listener: BoundEgress,
): readonly TableEntry[] {
  const horizon = horizonOf(read, view);
  return read
    .get(routeTable, tableOf(listener))
    .entries.filter(({ host, unserved }) =>
      unserved
        ? followsRulesOn(read, view, host, { listener: listener.index })
        : inSightOf(read, horizon, listener.index, host),
    );
}

/**
 * Hosts on the listener's port for connections: all in whose TLS clients name them, and of the others, which nothing tells apart,
 * the first.
 */
export function connectionHosts(
  read: ModelReader,
  view: ClientView,
  { index, port }: BoundEgress,
): readonly { readonly host: string; readonly port: number; readonly tls: boolean }[] {
  const horizon = horizonOf(read, view);
  const found = hostsWithin(read, horizon)
    .filter((host) => inSightOf(read, horizon, index, host))
    .flatMap((host) => {
      // Several namespaces may have a service of one host: the one that the client sees counts.
      const ports = read.service(host, view.namespace)?.ports ?? [];
      const own = ports.find((each) => each.port === port && each.protocol !== "UDP");
      return own ? [{ host, port, tls: isTls(own.protocol) }] : [];
    });
  const rest = found.find(({ tls }) => !tls);
  return found.filter((each) => each.tls || each === rest);
}
