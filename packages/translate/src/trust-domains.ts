/** Whose identities count as the mesh's own: its trust domain, and its aliases, such as the one that it had before. */

export interface TrustDomains {
  readonly trustDomain: string;
  readonly trustDomainAliases?: readonly string[];
  /** Those of others whose identities are taken, by the names that they have there, and count as nobody's of the mesh. */
  readonly federatedTrustDomains?: readonly string[];
}

/** The mesh's own first, each once. */
export function trustDomainsOf({
  trustDomain,
  trustDomainAliases = [],
}: TrustDomains): readonly string[] {
  return [...new Set([trustDomain, ...trustDomainAliases])];
}

/** Those whose identities are taken: the mesh's own first, each once. */
export function acceptedTrustDomains(mesh: TrustDomains): readonly string[] {
  return [...new Set([...trustDomainsOf(mesh), ...(mesh.federatedTrustDomains ?? [])])];
}

/** SPIFFE ids beside what they are under each alias, as Istio expands them; other names stay. */
export function underAliases(
  names: readonly string[],
  { trustDomainAliases = [] }: TrustDomains,
): readonly string[] {
  return names.flatMap((name) => {
    const path = /^spiffe:\/\/[^/]+(\/.*)$/.exec(name)?.[1];
    return path
      ? [name, ...trustDomainAliases.map((domain) => `spiffe://${domain}${path}`)]
      : [name];
  });
}
