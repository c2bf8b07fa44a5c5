/**
 * Which authorities a sidecar asks its control plane about when a request names them. Those by which a service of the mesh may be
 * known are asked about; what else there is, such as `www.example.com`, is in its table or goes where strangers go, and costs nobody
 * a question.
 */

import { literally } from "../authorization/string-match.ts";

/** By what names a mesh's services may be known. */
export interface Naming {
  readonly clusterDomain: string;
  /** Of services whose pods have names of their own, `db-0.db.shop`; sorted. */
  readonly podNamespaces: readonly string[];
}

/**
 * A regular expression for whole authorities, without regard to case, that RE2 and JavaScript read alike: bare names, names with a
 * namespace, names of the cluster's DNS, and addresses; each with or without a port.
 */
export function askedPattern({ clusterDomain, podNamespaces }: Naming): string {
  const label = "[^.:]+";
  const names = [
    String.raw`${label}(?:\.${label})?`,
    String.raw`[^:]+\.svc(?:\.${literally(clusterDomain)})?`,
    ...(podNamespaces.length > 0
      ? [String.raw`${label}\.${label}\.(?:${podNamespaces.map(literally).join("|")})`]
      : []),
  ];
  const addresses = ["[0-9.]+", String.raw`\[[0-9a-f:.]+\]`];
  return `(?:${[...names, ...addresses].join("|")})(?::[0-9]+)?`;
}

/** Where a domain of a virtual host belongs. `both`: a wildcard that stands for names of either kind. */
export type Place = "asked" | "table" | "both";

export interface Authorities {
  isAsked(authority: string): boolean;
  /** `domain` as a virtual host has it: exact, `*`, or a wildcard for what comes before a dot; `pods`: which are pods' names alone. */
  placeOf(domain: string, pods?: boolean): Place;
}

export function authoritiesOf(naming: Naming): Authorities {
  const pattern = new RegExp(`^(?:${askedPattern(naming)})$`, "i");
  const isAsked = (authority: string): boolean => pattern.test(authority);
  const serviceName = `.name.namespace.svc.${naming.clusterDomain}`;
  return {
    isAsked,
    placeOf(domain, pods = false) {
      if (!domain.startsWith("*") || pods)
        return isAsked(domain.replace("*", "x")) ? "asked" : "table";
      const suffix = domain.slice(1);
      const examples = ["x", "x.y", "x.y.z"].map((name) => isAsked(`${name}${suffix}`));
      if (examples.every(Boolean)) return "asked";
      const coversServices = serviceName.endsWith(suffix.replace(/:\d+$/, ""));
      return coversServices || examples.some(Boolean) ? "both" : "table";
    },
  };
}

/** By which domains of virtual hosts an authority is found, the most specific first, as Envoy goes by them. */
export function domainsFor(authority: string): readonly string[] {
  const domains = [authority];
  for (let dot = authority.indexOf("."); dot >= 0; dot = authority.indexOf(".", dot + 1))
    domains.push(`*${authority.slice(dot)}`);
  return domains;
}

/** An authority as a client of a namespace may mean it: by itself, and as a name of that namespace. */
export function readingsOf(authority: string, namespace: string): readonly string[] {
  const colon = authority.lastIndexOf(":");
  const [name, port] =
    colon < 0 || authority.endsWith("]")
      ? [authority, ""]
      : [authority.slice(0, colon), authority.slice(colon)];
  const isBare = namespace !== "" && name.split(".").length <= 2 && !name.startsWith("[");
  return isBare ? [authority, `${name}.${namespace}${port}`] : [authority];
}
