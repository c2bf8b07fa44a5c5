/** Which hosts are services of the cluster: what the agent may ask although their addresses are private. */
import { type MeshObject, type Service, splitServiceHost } from "@heddle/model";

/**
 * By its whole name, or as far as `.svc`. Not of type ExternalName, whose name leads wherever somebody wrote that it does; and at a
 * port that the service has.
 */
export function serviceNamed(
  get: (key: string) => MeshObject | undefined,
  clusterDomain: () => string,
): (host: string, port: number) => boolean {
  return (host, port) => {
    const domain = clusterDomain();
    const named = splitServiceHost(host.endsWith(".svc") ? `${host}.${domain}` : host, domain);
    if (named === undefined) return false;
    const found = get(`core/Service/${named.namespace}/${named.name}`);
    const { type, ports = [] } = (found?.spec ?? {}) as Service;
    return (
      found !== undefined && type !== "ExternalName" && ports.some((each) => each.port === port)
    );
  };
}
