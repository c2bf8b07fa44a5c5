/** Which hosts a client has to do with: those that its namespace sees, or of these the ones that its Sidecar lists. */
import { splitServiceHost } from "@heddle/model";
import { type ClientView, derivation, type ModelReader } from "../read.ts";
import { HOST_PARTS } from "../store/services.ts";
import { egress, type Egress, listenerForPort, lists, type UnknownHosts } from "./egress.ts";
import { fallbacksOf } from "./fallback.ts";
import { rulesForHost } from "./rules.ts";
import { servedHost } from "./served-host.ts";
import { unservedHosts } from "./unserved-hosts.ts";
import type { RuleSet } from "./rule-set.ts";

/** Clients with equal ones see the same hosts. */
export interface Horizon {
  /** From `hostsScope` where there is no Sidecar. */
  readonly namespace: string;
  /** Key of the client's Sidecar, if that says anything of what it may reach. */
  readonly sidecar: string | undefined;
}

export function horizonOf(
  read: ModelReader,
  { namespace, sidecar }: Pick<ClientView, "namespace" | "sidecar">,
): Horizon {
  return listenersOf(read, sidecar).length > 0
    ? { namespace, sidecar }
    : { namespace: read.hostsScope(namespace), sidecar: undefined };
}

export function horizonText({ namespace, sidecar }: Horizon): string {
  return sidecar === undefined ? namespace : `${namespace}|${sidecar}`;
}

/** What becomes of a client's traffic to hosts beyond its horizon. */
export function unknownHosts(
  read: ModelReader,
  { namespace, sidecar }: Pick<ClientView, "namespace" | "sidecar">,
): UnknownHosts {
  const found = sidecar === undefined ? undefined : read.get(egress, sidecar);
  if (found === undefined) return { policy: read.mesh.outboundTrafficPolicy };
  const { proxy, ...rest } = found.unknownHosts;
  if (proxy === undefined) return rest;
  return { ...rest, proxy: { ...proxy, host: servedHost(read, proxy.host, namespace) } };
}

/** Whether a client reaches a port of a host. */
export function inSight(read: ModelReader, horizon: Horizon, host: string, port: number): boolean {
  const { namespace, sidecar } = horizon;
  const found = sidecar === undefined ? undefined : read.get(egress, sidecar);
  if (sidecar === undefined || found === undefined) return read.visible(host, namespace);
  const listener = listenerForPort(found, port);
  return listener !== undefined && read.get(listed, { namespace, sidecar, listener }).has(host);
}

/** Whether one listener of a Sidecar's leads to a host. */
export function inSightOf(
  read: ModelReader,
  { namespace, sidecar }: Horizon,
  listener: number,
  host: string,
): boolean {
  return sidecar !== undefined && read.get(listed, { namespace, sidecar, listener }).has(host);
}

/**
 * Whether a client follows the rules for a host that no service has, on a port, or as one listener of its Sidecar leads there:
 * the listener must list the host for the namespace that the rules are in.
 */
export function followsRulesOn(
  read: ModelReader,
  view: Pick<ClientView, "namespace" | "sidecar">,
  host: string,
  by: { readonly port: number } | { readonly listener: number },
): boolean {
  const found = view.sidecar === undefined ? undefined : read.get(egress, view.sidecar);
  if (found === undefined || found.listeners.length === 0) return true;
  const index = "port" in by ? listenerForPort(found, by.port) : by.listener;
  const listener = index === undefined ? undefined : found.listeners[index];
  const rules = rulesForHost(read, host, read.routeScope(host, view.namespace));
  return (
    listener !== undefined && rules !== undefined && lists(listener, rules.origin.namespace, host)
  );
}

/** All hosts within a horizon, on any port, sorted. */
export function hostsWithin(read: ModelReader, horizon: Horizon): readonly string[] {
  const { namespace, sidecar } = horizon;
  if (sidecar === undefined) return read.hosts(namespace);
  const all = new Set<string>();
  for (const listener of listenersOf(read, sidecar).keys()) {
    for (const host of read.get(listed, { namespace, sidecar, listener })) all.add(host);
  }
  const { proxy } = unknownHosts(read, { namespace, sidecar });
  if (proxy !== undefined && read.visible(proxy.host, namespace)) all.add(proxy.host);
  return [...all].toSorted();
}

/** Rules for a host count where a listener lists the host for the namespace that the rules are in. */
export function heeds(
  read: ModelReader,
  { sidecar }: Pick<ClientView, "sidecar">,
  { origin }: Pick<RuleSet, "origin">,
  host: string,
): boolean {
  const listeners = listenersOf(read, sidecar);
  return listeners.length === 0 || listeners.some((each) => lists(each, origin.namespace, host));
}

function listenersOf(read: ModelReader, sidecar: string | undefined): Egress["listeners"] {
  return (sidecar === undefined ? undefined : read.get(egress, sidecar))?.listeners ?? [];
}

interface ListedKey {
  readonly namespace: string;
  readonly sidecar: string;
  /** Position in the Sidecar's egress. */
  readonly listener: number;
}

/** Hosts that a listener lists, and where the rules of these send requests: such a rule would be broken without them. */
const listed = derivation<ListedKey, ReadonlySet<string>>(
  "form/listed",
  ({ namespace, sidecar, listener }) => `${namespace}|${sidecar}|${listener}`,
  (read, key) => {
    const parts = Array.from({ length: HOST_PARTS }, (_, part) =>
      read.get(listedPart, { ...key, part }),
    );
    return new Set(parts.flatMap(({ hosts, destinations }) => [...hosts, ...destinations]));
  },
);

interface ListedPart {
  readonly hosts: readonly string[];
  readonly destinations: readonly string[];
}

/** Of one of the parts that all hosts are divided into. */
const listedPart = derivation<ListedKey & { readonly part: number }, ListedPart>(
  "form/listed-part",
  ({ namespace, sidecar, listener, part }) => `${namespace}|${sidecar}|${listener}|${part}`,
  (read, { namespace, sidecar, listener: index, part }) => {
    const listener = listenersOf(read, sidecar)[index];
    if (listener === undefined) return { hosts: [], destinations: [] };
    const hosts = read
      .part(part)
      .filter(
        (host) =>
          lists(listener, namespaceOf(read, host, namespace), host) &&
          read.visible(host, namespace),
      );
    const destinations = new Set<string>();
    // What a rule names may be another name of what serves it: that is where requests go.
    const reach = (host: string) => {
      for (const each of [host, servedHost(read, host, namespace)])
        if (read.visible(each, namespace)) destinations.add(each);
    };
    const unserved = read.get(unservedHosts, part).flatMap(({ host }) => {
      const rules = rulesForHost(read, host, read.routeScope(host, namespace));
      return rules && lists(listener, rules.origin.namespace, host) ? [host] : [];
    });
    for (const host of [...hosts, ...unserved]) {
      const rules = rulesForHost(read, host, read.routeScope(host, namespace));
      if (rules === undefined || !heeds(read, { sidecar }, rules, host)) continue;
      destinationsOf(rules).forEach(reach);
    }
    for (const host of [...hosts, ...destinations]) {
      for (const { destination } of fallbacksOf(read, host, namespace)) {
        if (destination) reach(destination.host);
      }
    }
    return { hosts, destinations: [...destinations] };
  },
);

/** A Kubernetes service's name says it; nothing has to be read, and so watched, for the many hosts that no listener lists. */
function namespaceOf(read: ModelReader, host: string, namespace: string): string {
  const named = splitServiceHost(host, read.mesh.clusterDomain);
  return named?.namespace ?? read.service(host, namespace)?.namespace ?? "";
}

function destinationsOf(rules: RuleSet): readonly string[] {
  const mirrors = rules.http.flatMap((rule) => rule.mirrors.map(({ destination }) => destination));
  const asked = rules.http.flatMap(({ authorization }) => authorization?.destination ?? []);
  const all = [...rules.http, ...rules.tls, ...rules.tcp].flatMap((rule) => rule.destinations);
  return [...all, ...mirrors, ...asked].map(({ host }) => host);
}
