/** The authorities by which clients address a service. */
import type { ServiceModel, ServiceName } from "@heddle/model";

/** Which forms of an authority a listener sees: its own port needs no naming there, an HTTP proxy sees any port. */
export type DomainForm = "listener" | "proxy";

/**
 * The host, its shorter forms (the bare name only for clients in its own namespace, `local`), those of its aliases, and its
 * addresses; each alone and with the port. Behind an HTTP proxy an authority without a port means port 80.
 */
export function domainsOf(
  service: ServiceModel,
  port: number,
  local: string,
  clusterDomain: string,
  form: DomainForm,
): readonly string[] {
  const addresses = [...service.clusterIPs, ...(service.autoAddresses ?? [])];
  const names = [...namesOf(service, local, clusterDomain, form), ...addresses.map(bracketed)];
  const bare = isBare(port, form);
  return names.flatMap((name) => (bare ? [name, `${name}:${port}`] : [`${name}:${port}`]));
}

/** Whether an authority without a port may mean this one. */
export function isBare(port: number, form: DomainForm): boolean {
  return form === "listener" || port === 80;
}

/** Namespaces whose clients know the service, or an alias of it, by its bare name. */
export function homesOf({ origin, namespace, aliases = [] }: ServiceModel): readonly string[] {
  const others = aliases.map((alias) => alias.namespace);
  // Nobody calls an entry's host by less than its name.
  return [...new Set(origin === "Service" ? [namespace, ...others] : others)];
}

function namesOf(
  service: ServiceModel,
  local: string,
  clusterDomain: string,
  form: DomainForm,
): readonly string[] {
  const all = [service, ...(service.aliases ?? [])];
  const pods = service.headless ? podsOf(service, local, clusterDomain, form) : [];
  return [...all.flatMap((each) => formsOf(each, local, clusterDomain)), ...pods];
}

/** Pods of a stateful set, `db-0.db`. An HTTP proxy would take the barest of these names for the whole service. */
function podsOf(
  service: ServiceModel,
  local: string,
  clusterDomain: string,
  form: DomainForm,
): readonly string[] {
  const known = form === "listener" ? local : "";
  return formsOf(service, known, clusterDomain).map((name) => `*.${name}`);
}

function formsOf(
  { host, name, namespace }: ServiceName,
  local: string,
  clusterDomain: string,
): readonly string[] {
  if (host !== `${name}.${namespace}.svc.${clusterDomain}`) return [host];
  return [
    host,
    ...(namespace === local ? [name] : []),
    `${name}.${namespace}`,
    `${name}.${namespace}.svc`,
  ];
}

/** As an authority names it. */
export function bracketed(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}
