/** Which certificates a proxy has acknowledged, and whom it trusts, as the plane is told. */
import { MAX_ROOTS, type ProxyTrust } from "@heddle/sync";
import { TRUST_BUNDLE_SECRET, WORKLOAD_SECRET } from "@heddle/translate";
import type { AgentSecrets } from "../identity/secret-source.ts";
import type { ProxyStatus } from "../xds/index.ts";

export function proxyTrust(
  { ownSecrets }: Pick<ProxyStatus, "ownSecrets">,
  secrets: Pick<AgentSecrets, "certificateOf" | "rootsOf">,
): ProxyTrust {
  const of = (wanted: string) => ownSecrets.find(({ name }) => name === wanted);
  const bundle = of(TRUST_BUNDLE_SECRET);
  const trusted = bundle?.value();
  const roots = bundle && ((trusted && secrets.rootsOf(trusted)) ?? []);
  const own = of(WORKLOAD_SECRET)?.value();
  const leaf = own && secrets.certificateOf(own);
  return {
    ...(roots ? { roots: roots.slice(0, MAX_ROOTS) } : {}),
    ...(leaf
      ? {
          leaf: {
            ...{ spiffeId: leaf.spiffeId, serialNumber: leaf.serialNumber, root: leaf.root },
            issuer: leaf.issuer.slice(0, 1024),
            notBefore: new Date(leaf.notBefore).toISOString(),
            notAfter: new Date(leaf.notAfter).toISOString(),
          },
        }
      : {}),
    pending: ownSecrets.some(({ pending }) => pending),
  };
}
