/** A table of routes most of whose virtual hosts are asked for: which are in it all the same, and which are behind an authority. */
import type { VirtualHost } from "@heddle/envoy/config/route/v3";
import { rulesForHost } from "../form/rules.ts";
import { askedTable } from "../names.ts";
import { type ClientView, derivation, type ModelReader } from "../read.ts";
import { domainsOf } from "../route/domains.ts";
import { formOf, type TableEntry, type TableName, tablePart } from "../route/route-table.ts";
import { unservedDomains } from "../route/unserved-host.ts";
import { HOST_PARTS } from "../store/services.ts";
import {
  type Authorities,
  authoritiesOf,
  domainsFor,
  type Naming,
  readingsOf,
} from "./authorities.ts";

const PARTS: readonly number[] = Array.from({ length: HOST_PARTS }, (_, part) => part);

/** The route configuration that a client has of a table: one that it asks of, where that is possible. */
export function tableNameOf(read: ModelReader, view: ClientView, name: TableName): string {
  const { namespace, onDemand } = view;
  return onDemand && read.get(askable, { name, namespace }) ? askedTable(name) : name;
}

/** Entries that have domains which nobody asks for, by host and port. */
export function standingEntries(read: ModelReader, name: TableName): readonly TableEntry[] {
  return PARTS.flatMap((part) => read.get(standingPart, { name, part }) ?? []);
}

/** Whether clients of a namespace may ask for virtual hosts of a table. */
const askable = derivation<{ readonly name: TableName; readonly namespace: string }, boolean>(
  "on-demand/askable",
  ({ name, namespace }) => `${name}|${namespace}`,
  (read, { name, namespace }) =>
    PARTS.every(
      (part) =>
        read.get(standingPart, { name, part }) !== undefined &&
        !read.get(bringsFilters, { name, part, namespace }),
    ),
);

/**
 * Whether the rules of any host bring filters along, as seen from a namespace. Envoy puts those together when a request begins, before
 * it has asked: a first request would pass them by.
 */
const bringsFilters = derivation<PartKey & { readonly namespace: string }, boolean>(
  "on-demand/brings-filters",
  ({ name, part, namespace }) => `${name}|${part}|${namespace}`,
  (read, { name, part, namespace }) =>
    read
      .get(tablePart, { name, part })
      .some(({ host }) =>
        rulesForHost(read, host, read.routeScope(host, namespace))?.http.some(
          ({ authorization }) => authorization !== undefined,
        ),
      ),
);

/** What of a virtual host stands in the table; undefined for nothing. */
export function standing({ placeOf }: Authorities, host: VirtualHost): VirtualHost | undefined {
  const domains = (host.domains ?? []).filter((domain) => placeOf(domain) === "table");
  return domains.length > 0 ? { ...host, domains } : undefined;
}

/** By what names the hosts of a table may be known. */
export function namingOf(read: ModelReader, name: TableName): Naming {
  return { clusterDomain: read.mesh.clusterDomain, podNamespaces: read.get(podNamespaces, name) };
}

const podNamespaces = derivation<TableName, readonly string[]>(
  "on-demand/pod-namespaces",
  (name) => name,
  (read, name) => {
    const found = PARTS.flatMap((part) => read.get(podNamespacesOfPart, { name, part }));
    return [...new Set(found)].toSorted();
  },
);

const podNamespacesOfPart = derivation<PartKey, readonly string[]>(
  "on-demand/pod-namespaces-part",
  ({ name, part }) => `${name}|${part}`,
  (read, { name, part }) => {
    const found = new Set<string>();
    for (const { host } of read.get(tablePart, { name, part })) {
      for (const { headless, namespace, aliases = [] } of read.variants(host))
        if (headless) for (const each of [{ namespace }, ...aliases]) found.add(each.namespace);
    }
    return [...found].toSorted();
  },
);

interface PartKey {
  readonly name: TableName;
  readonly part: number;
}

/** Undefined where a wildcard covers both what is asked for and what is not. */
const standingPart = derivation<PartKey, readonly TableEntry[] | undefined>(
  "on-demand/standing-part",
  ({ name, part }) => `${name}|${part}`,
  (read, { name, part }) => {
    const { placeOf } = authoritiesOf(namingOf(read, name));
    const entries: TableEntry[] = [];
    for (const entry of read.get(tablePart, { name, part })) {
      const pods = read.variants(entry.host).some(({ headless }) => headless);
      const domains = domainsOfEntry(read, name, entry);
      const places = new Set(domains.map((domain) => placeOf(domain, pods)));
      if (places.has("both")) return undefined;
      if (places.has("table")) entries.push(entry);
    }
    return entries;
  },
);

/** Where an entry of a table is found again. */
interface EntryKey {
  readonly host: string;
  readonly port: number;
  readonly part: number;
}

/** Entries by every domain that anybody may know them by; as good as never changed by rules. */
const entriesByDomain = derivation<PartKey, ReadonlyMap<string, readonly EntryKey[]>>(
  "on-demand/by-domain",
  ({ name, part }) => `${name}|${part}`,
  (read, { name, part }) => {
    const found = new Map<string, EntryKey[]>();
    for (const entry of read.get(tablePart, { name, part })) {
      const { host, port } = entry;
      for (const domain of domainsOfEntry(read, name, entry)) {
        const keys = found.get(domain);
        if (keys) keys.push({ host, port, part });
        else found.set(domain, [{ host, port, part }]);
      }
    }
    return found;
  },
);

interface AuthorityKey {
  readonly name: TableName;
  readonly authority: string;
  /** Of the client: bare names are of it. */
  readonly namespace: string;
}

/** Whom a client may mean by an authority, the likeliest first. */
const meant = derivation<AuthorityKey, readonly EntryKey[]>(
  "on-demand/meant",
  ({ name, authority, namespace }) => `${name}|${authority}|${namespace}`,
  (read, { name, authority, namespace }) => {
    const parts = PARTS.map((part) => read.get(entriesByDomain, { name, part }));
    return readingsOf(authority, namespace)
      .flatMap(domainsFor)
      .flatMap((domain) => parts.flatMap((part) => part.get(domain) ?? []));
  },
);

/** The entries of a table that an authority may be for, the likeliest first; what they are to a client decides. */
export function entriesFor(read: ModelReader, key: AuthorityKey): readonly TableEntry[] {
  return read
    .get(meant, key)
    .flatMap(
      ({ host, port, part }) =>
        read
          .get(tablePart, { name: key.name, part })
          .find((entry) => entry.host === host && entry.port === port) ?? [],
    );
}

/** Of clients in no namespace of theirs; of all services where clients see different ones. */
function domainsOfEntry(
  read: ModelReader,
  name: TableName,
  { host, port, unserved, shared }: TableEntry,
): readonly string[] {
  if (shared) return shared.domains ?? [];
  const form = formOf(name);
  if (unserved) return unservedDomains(host, port, form);
  const { clusterDomain } = read.mesh;
  const all = read.variants(host).flatMap((each) => domainsOf(each, port, "", clusterDomain, form));
  return [...new Set(all)];
}
