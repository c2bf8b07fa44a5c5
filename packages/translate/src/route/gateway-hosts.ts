/** Which hosts of a set of rules a gateway's server lets in. */
import { hostMatches } from "@heddle/model";

/**
 * Hosts that both name, the narrower of two that overlap. A server's host is `host` or `namespace/host`, where the
 * namespace of `./host` is the Gateway's own and `*` stands for any.
 */
export function admittedHosts(
  serverHosts: readonly string[],
  gatewayNamespace: string,
  hosts: readonly string[],
  hostsNamespace: string,
): readonly string[] {
  const admitted = new Set<string>();
  for (const serverHost of serverHosts) {
    const { namespace, host: wanted } = splitServerHost(serverHost, gatewayNamespace);
    if (namespace !== "*" && namespace !== hostsNamespace) continue;
    for (const host of hosts) {
      const lower = host.toLowerCase();
      if (hostMatches(wanted, lower)) admitted.add(lower);
      else if (hostMatches(lower, wanted)) admitted.add(wanted);
    }
  }
  return [...admitted].toSorted();
}

export function splitServerHost(
  serverHost: string,
  gatewayNamespace: string,
): { namespace: string; host: string } {
  const slash = serverHost.indexOf("/");
  if (slash < 0) return { namespace: "*", host: serverHost.toLowerCase() };
  const namespace = serverHost.slice(0, slash);
  return {
    namespace: namespace === "." ? gatewayNamespace : namespace,
    host: serverHost.slice(slash + 1).toLowerCase(),
  };
}
