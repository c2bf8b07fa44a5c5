/** Which certificates a proxy has acknowledged, and whom it trusts, as the plane is told. */
import { MAX_ROOTS, type ProxyTrust } from "@heddle/sync";
import { TRUST_BUNDLE_SECRET, WORKLOAD_SECRET } from "@heddle/translate";
import type { AgentSecrets } from "../identity/secret-source.ts";
import type { ProxyStatus } from "../xds/index.ts";

export function proxyTrust(
  { ownSecrets }: Pick<ProxyStatus, "ownSecrets">,
  secrets: Pick<AgentSecrets, "certificateOf" | "rootsOf">,
): ProxyTrust {
  const of = (name: string) => ownSecrets.find((secret) => secret.name === name);
  const [bundle, workload] = [of(TRUST_BUNDLE_SECRET), of(WORKLOAD_SECRET)];
  const roots = bundle && ((bundle.value && secrets.rootsOf(bundle.value)) ?? []);
  const leaf = workload?.value && secrets.certificateOf(workload.value);
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
