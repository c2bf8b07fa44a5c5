/** The authorities by which clients address a service. */
import type { ServiceModel } from "@heddle/model";

/** Which forms of an authority a listener sees: its own port needs no naming there, an HTTP proxy sees any port. */
export type DomainForm = "listener" | "proxy";

/**
 * The host, its shorter forms (the bare name only for clients in its own namespace) and its addresses; each alone and with the
 * port. Behind an HTTP proxy an authority without a port means port 80.
 */
export function domainsOf(
  service: ServiceModel,
  port: number,
  local: boolean,
  clusterDomain: string,
  form: DomainForm,
): readonly string[] {
  const addresses = [...service.clusterIPs, ...(service.autoAddresses ?? [])];
  const names = [...namesOf(service, local, clusterDomain), ...addresses.map(bracketed)];
  const bare = form === "listener" || port === 80;
  return names.flatMap((name) => (bare ? [name, `${name}:${port}`] : [`${name}:${port}`]));
}

function namesOf(service: ServiceModel, local: boolean, clusterDomain: string): readonly string[] {
  const { host, name, namespace } = service;
  const wildcard = service.headless ? [`*.${host}`] : [];
  if (host !== `${name}.${namespace}.svc.${clusterDomain}`) return [host];
  return [
    host,
    ...(local ? [name] : []),
    `${name}.${namespace}`,
    `${name}.${namespace}.svc`,
    ...wildcard,
  ];
}

function bracketed(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}
