/** The names that a proxy's DNS answers by itself, for what a client may ask of the mesh; all others are asked of its resolvers. */
import { compareText, type ServiceModel, splitServiceHost } from "@heddle/model";
import { type Families, isReachable } from "../families.ts";
import { type Horizon, horizonText, hostsWithin } from "../form/horizon.ts";
import { derivation, type ModelReader } from "../read.ts";

export interface DnsTableKey {
  readonly horizon: Horizon;
  /** The client's own: whose services it may call by their bare names. */
  readonly namespace: string;
  readonly families: Families;
}

export interface DnsName {
  /** Lower case; `*.example.com` stands for every name below. */
  readonly name: string;
  /** Of the client's families; never none. */
  readonly addresses: readonly string[];
}

/**
 * Sorted by name, each once: a host itself goes before the shorter form of another one. Services of Kubernetes have the names that
 * its DNS gives them, hosts of ServiceEntries their own. Headless services are not among them: the cluster's DNS knows their
 * pods, and every change of a table ends the questions that are being asked of resolvers then.
 */
export const dnsNames = derivation<DnsTableKey, readonly DnsName[]>(
  "dns/names",
  ({ horizon, namespace, families }) => `${horizonText(horizon)}|${namespace}|${families}`,
  (read, { horizon, namespace, families }) => {
    const names = new Map<string, readonly string[]>();
    const shorter = new Map<string, readonly string[]>();
    for (const host of hostsWithin(read, horizon)) {
      const service = read.service(host, horizon.namespace);
      if (service === undefined || !isAskable(host)) continue;
      const addresses = addressesOf(read, service, horizon.namespace).filter((address) =>
        isReachable(address, families),
      );
      if (addresses.length === 0) continue;
      names.set(host, addresses);
      for (const form of formsOf(service, namespace, read.mesh.clusterDomain))
        shorter.set(form, addresses);
    }
    return [...new Map([...shorter, ...names])]
      .map(([name, addresses]) => ({ name, addresses }))
      .toSorted((a, b) => compareText(a.name, b.name));
  },
);

/** A wildcard stands for whole labels. */
function isAskable(host: string): boolean {
  return host.lastIndexOf("*") < 1 && (!host.startsWith("*") || host.startsWith("*."));
}

/** Where connections to a host are to go; another name of a host leads where that one does. */
function addressesOf(
  read: ModelReader,
  service: ServiceModel,
  namespace: string,
): readonly string[] {
  const target = service.aliasOf === undefined ? service : read.service(service.aliasOf, namespace);
  if (target === undefined) return [];
  return target.clusterIPs.length > 0 ? target.clusterIPs : (target.autoAddresses ?? []);
}

/** What is asked for by those who have fewer search domains than pods have by default. */
function formsOf(
  { host, origin }: ServiceModel,
  namespace: string,
  clusterDomain: string,
): readonly string[] {
  const named = origin === "Service" ? splitServiceHost(host, clusterDomain) : undefined;
  if (named === undefined) return [];
  return [
    `${named.name}.${named.namespace}.svc`,
    `${named.name}.${named.namespace}`,
    ...(named.namespace === namespace ? [named.name] : []),
  ];
}
