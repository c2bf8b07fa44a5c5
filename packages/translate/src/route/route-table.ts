/** The virtual hosts behind one route name, put together once for all clients that see the same. */
import type { VirtualHost } from "@heddle/envoy/config/route/v3";
import type { ServiceModel, ServicePort } from "@heddle/model";
import { attempt } from "../engine/attempt.ts";
import { unservedHosts } from "../form/unserved-hosts.ts";
import { HTTP_PROXY_ROUTE } from "../names.ts";
import type { ProxyDescription } from "../proxy.ts";
import { derivation, type ModelReader } from "../read.ts";
import { HOST_PARTS } from "../store/services.ts";
import { type DomainForm, domainsOf, homesOf } from "./domains.ts";
import { podHostsOf } from "./pod-hosts.ts";
import { handlingOf, inTable } from "./service-ports.ts";
import { dependsOnClient } from "./shared-view.ts";
import { unservedDomains, unservedVirtualHost } from "./unserved-host.ts";
import { virtualHost } from "./virtual-host.ts";

/** A route name that stands for many hosts: a port, or `http_proxy`. */
export type TableName = string;

export interface TableEntry {
  readonly host: string;
  readonly port: number;
  /** Clients in these also know it by its bare name, or by that of an alias. */
  readonly homes: readonly string[];
  /** No service has it: rules alone speak for it. */
  readonly unserved?: true;
  /** Undefined where clients differ in what they see: each asks for itself. */
  readonly shared: VirtualHost | undefined;
}

export interface RouteTable {
  /** By host and port. */
  readonly entries: readonly TableEntry[];
  /** Of all entries. */
  readonly homes: ReadonlySet<string>;
  /** Some entry has nothing to share. */
  readonly apart: boolean;
}

export function formOf(name: TableName): DomainForm {
  return name === HTTP_PROXY_ROUTE ? "proxy" : "listener";
}

/** Of all hosts, visible to somebody; a change of one of them goes through a part of the hosts, not through all. */
export const routeTable = derivation<TableName, RouteTable>(
  "route/table",
  (name) => name,
  (read, name) => {
    const entries: TableEntry[] = [];
    for (let part = 0; part < HOST_PARTS; part++)
      entries.push(...read.get(tablePart, { name, part }));
    entries.sort((a, b) => (a.host === b.host ? a.port - b.port : a.host < b.host ? -1 : 1));
    return {
      entries,
      homes: new Set(entries.flatMap(({ homes }) => homes)),
      apart: entries.some(({ shared }) => shared === undefined),
    };
  },
);

interface PartKey {
  readonly name: TableName;
  readonly part: number;
}

/** Small enough to be derived in one slice. */
export const tablePart = derivation<PartKey, readonly TableEntry[]>(
  "route/table-part",
  ({ name, part }) => `${name}|${part}`,
  (read, { name, part }) => [
    ...targetsOf(read, name, part).flatMap(({ service, port }): TableEntry[] => {
      const { host } = service;
      const homes = homesOf(service);
      if (dependsOnClient(read, host)) return [{ host, port, homes, shared: undefined }];
      // A host whose rule cannot be translated is left out, and does not take the others with it.
      const shared = attempt(() => virtualHost(read, ANYBODY, host, port, formOf(name)));
      if (!shared || !read.visible(host, ANYBODY.namespace)) return [];
      const pods = formOf(name) === "proxy" ? podHostsOf(read, service, port) : [];
      return [
        { host, port, homes, shared },
        ...pods.map((pod) => ({ host: pod.host, port, homes: [], shared: pod.virtualHost })),
      ];
    }),
    ...unservedOf(read, name, part).flatMap(({ host, port }): TableEntry[] => {
      const entry = { host, port, homes: [], unserved: true } as const;
      if (dependsOnClient(read, host)) return [{ ...entry, shared: undefined }];
      const shared = attempt(() => unservedVirtualHost(read, ANYBODY, host, port, formOf(name)));
      return shared ? [{ ...entry, shared }] : [];
    }),
  ],
);

function unservedOf(
  read: ModelReader,
  name: TableName,
  part: number,
): readonly { readonly host: string; readonly port: number }[] {
  return read
    .get(unservedHosts, part)
    .flatMap(({ host, ports }) =>
      ports
        .filter((port) => name === HTTP_PROXY_ROUTE || port === Number(name))
        .map((port) => ({ host, port })),
    );
}

/** Of clients that know no service by its bare name. */
const NOWHERE = "";

/** A client that nobody has singled out. */
const ANYBODY = {
  key: "",
  type: "sidecar" as ProxyDescription["type"],
  namespace: "",
  labels: {},
  clusterId: "",
  locality: undefined,
  cohort: "stable" as ProxyDescription["cohort"],
};

/**
 * Envoy refuses a whole table for one domain that occurs twice: the first host, by name, keeps it. Here are the domains that
 * the others lose, by `host:port`; mostly nobody loses any.
 */
export const lostDomains = derivation<TableName, ReadonlyMap<string, ReadonlySet<string>>>(
  "route/lost-domains",
  (name) => name,
  (read, name) => {
    const all: HostDomains[] = [];
    for (let part = 0; part < HOST_PARTS; part++) {
      all.push(...read.get(domainsOfPart, { name, part }));
    }
    // What a service has no rule for another host takes away.
    all.sort((a, b) =>
      a.unserved === b.unserved ? (a.key < b.key ? -1 : 1) : a.unserved ? 1 : -1,
    );
    const taken = new Set<string>();
    const lost = new Map<string, Set<string>>();
    for (const { key, domains } of all) {
      for (const domain of domains) {
        if (!taken.has(domain)) taken.add(domain);
        else lost.set(key, (lost.get(key) ?? new Set()).add(domain));
      }
    }
    return lost;
  },
);

interface HostDomains {
  readonly key: string;
  readonly unserved: boolean;
  readonly domains: readonly string[];
}

/** From services and the names of other hosts, so that a change of what a rule does goes no further than here. */
const domainsOfPart = derivation<PartKey, readonly HostDomains[]>(
  "route/domains-part",
  ({ name, part }) => `${name}|${part}`,
  (read, { name, part }) => [
    ...targetsOf(read, name, part).map(({ service: { host }, port }) => ({
      key: `${host}:${port}`,
      unserved: false,
      domains: [
        ...new Set(
          read
            .variants(host)
            .flatMap((each) =>
              domainsOf(each, port, NOWHERE, read.mesh.clusterDomain, formOf(name)),
            ),
        ),
      ],
    })),
    ...unservedOf(read, name, part).map(({ host, port }) => ({
      key: `${host}:${port}`,
      unserved: true,
      domains: unservedDomains(host, port, formOf(name)),
    })),
  ],
);

function targetsOf(
  read: ModelReader,
  name: TableName,
  part: number,
): readonly { readonly service: ServiceModel; readonly port: number }[] {
  return read.part(part).flatMap((host) => {
    const byPort = new Map<number, ServiceModel>();
    for (const service of read.variants(host)) {
      for (const port of service.ports) {
        if (isIn(name, service, port) && !byPort.has(port.port)) byPort.set(port.port, service);
      }
    }
    return [...byPort].map(([port, service]) => ({ service, port }));
  });
}

function isIn(name: TableName, service: ServiceModel, port: ServicePort): boolean {
  if (name !== HTTP_PROXY_ROUTE) return port.port === Number(name) && inTable(service, port);
  const handling = handlingOf(port.protocol);
  return handling === "http" || handling === "sniffed";
}
