/** Names of hosts in rules: short names become full ones, wildcards match. */

/**
 * The full name of a host as a rule in `namespace` writes it. A name without a dot is a service of that namespace;
 * names with a dot, wildcards and addresses are taken as they are. Lower case.
 */
export function resolveHost(host: string, namespace: string, clusterDomain: string): string {
  const lower = host.toLowerCase();
  if (lower === "" || lower.includes(".") || lower.includes("*") || lower.includes(":"))
    return lower;
  return `${lower}.${namespace}.svc.${clusterDomain}`;
}

/** `svc.namespace.svc.<domain>` */
export function serviceHost(name: string, namespace: string, clusterDomain: string): string {
  return `${name}.${namespace}.svc.${clusterDomain}`;
}

/** The short name and namespace of a service's full name; undefined for hosts outside of the cluster's domain. */
export function splitServiceHost(
  host: string,
  clusterDomain: string,
): { name: string; namespace: string } | undefined {
  const suffix = `.svc.${clusterDomain}`;
  if (!host.endsWith(suffix)) return undefined;
  const [name, namespace, ...rest] = host.slice(0, -suffix.length).split(".");
  if (!name || !namespace || rest.length > 0) return undefined;
  return { name, namespace };
}

export function isWildcard(host: string): boolean {
  return host.startsWith("*");
}

/** Whether a pattern (`*`, `*.example.com`, or a plain name) covers a plain host or a narrower wildcard. */
export function hostMatches(pattern: string, host: string): boolean {
  if (!isWildcard(pattern)) return pattern === host;
  const suffix = pattern.slice(1);
  if (isWildcard(host)) return host.slice(1).endsWith(suffix) && host.length >= pattern.length;
  return host.length > suffix.length && host.endsWith(suffix);
}

/** Whether some host is matched by both. */
export function hostsOverlap(a: string, b: string): boolean {
  return hostMatches(a, b) || hostMatches(b, a);
}

/** Most specific first: plain names before wildcards, longer wildcards before shorter ones, then by text. */
export function bySpecificity(a: string, b: string): number {
  const wildA = isWildcard(a);
  if (wildA !== isWildcard(b)) return wildA ? 1 : -1;
  if (wildA && a.length !== b.length) return b.length - a.length;
  return a < b ? -1 : a > b ? 1 : 0;
}
