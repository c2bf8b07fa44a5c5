/** Services as parents of routes: who wrote the routes decides whose requests they are for. */
import type { GatewayApiReader, RouteObject } from "@heddle/model";

const NONE: ReadonlySet<string> = new Set();

/** Routes that name a Service as their parent, oldest first; none for hosts that no Service stands behind. */
export function meshRoutes(read: GatewayApiReader, host: string): readonly RouteObject[] {
  const service = read.service(host);
  if (!service?.key.startsWith("core/Service/")) return [];
  return read.routes(`Service/${service.namespace}/${service.name}`);
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
