/** Where an Ingress sends requests: a service's port, by number or by name. */
import { serviceHost } from "../host.ts";
import type { IngressBackend } from "../kinds/ingress.ts";
import type { IngressReader } from "./reader.ts";

/** Why a backend leads nowhere. */
export interface BrokenIngressBackend {
  readonly problem: string;
}

/** A service that is not there is only a problem where its port has to be looked up: endpoints may be on their way. */
export function resolveIngressBackend(
  read: IngressReader,
  namespace: string,
  { service, resource }: IngressBackend,
): { readonly host: string; readonly port: number } | BrokenIngressBackend {
  if (service === undefined) {
    const kind = resource ? `${resource.kind} ${resource.name}` : "nothing";
    return { problem: `${kind} cannot be a backend: only Services can` };
  }
  const host = serviceHost(service.name, namespace, read.clusterDomain);
  const { number, name = "" } = service.port ?? {};
  if (number !== undefined) return { host, port: number };
  const found = read.service(host);
  if (found === undefined) return { problem: `there is no service ${host}` };
  const port = found.ports.find((each) => each.name === name)?.port;
  return port === undefined
    ? { problem: `service ${host} has no port named "${name}"` }
    : { host, port };
}
