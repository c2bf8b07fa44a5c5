/** Services and ServiceEntries as parents of routes: who wrote the routes decides whose requests they are for. */
import type { GatewayApiReader, RouteObject } from "@heddle/model";

const NONE: ReadonlySet<string> = new Set();

/** Routes that name what defines a host as their parent, oldest first: its Service, else the oldest of its ServiceEntries. */
export function meshRoutes(read: GatewayApiReader, host: string): readonly RouteObject[] {
  const service = read.service(host);
  if (service === undefined) return [];
  return read.routes(
    service.key.startsWith("core/Service/")
      ? `Service/${service.namespace}/${service.name}`
      : service.key,
  );
}

/** Namespaces other than the Service's own that have routes for it, for their own clients. */
export function consumerNamespaces(read: GatewayApiReader, host: string): ReadonlySet<string> {
  const routes = meshRoutes(read, host);
  if (routes.length === 0) return NONE;
  const own = read.service(host)?.namespace;
  return new Set(
    routes.map(({ metadata }) => metadata.namespace).filter((namespace) => namespace !== own),
  );
}
