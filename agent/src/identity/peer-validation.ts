/** By which roots a proxy verifies its peers: the mesh's own, and where it federates each trust domain by its own roots alone. */
import type {
  CertificateValidationContext,
  SPIFFECertValidatorConfig,
} from "@heddle/envoy/extensions/transport_sockets/tls/v3";
import { extension } from "@heddle/translate";
import type { FederatedBundle } from "../federation/index.ts";

export interface TrustedRoots {
  /** PEM of the mesh's roots. */
  readonly own: string;
  /** The mesh's trust domain and its aliases, of which the same roots vouch. */
  readonly trustDomains: readonly string[];
  readonly federated: readonly FederatedBundle[];
}

/**
 * One list of roots would let each of them vouch for every trust domain. Envoy's validator of SPIFFE ids looks for the trust domain of
 * the certificate first, and then at no roots but its own. What listeners and clusters ask of the name holds beside it.
 */
export function peerValidation({
  own,
  trustDomains,
  federated,
}: TrustedRoots): CertificateValidationContext {
  // Envoy refuses one trust domain twice, and nobody else's roots vouch for what the mesh calls its own.
  const others = federated.filter(({ trustDomain }) => !trustDomains.includes(trustDomain));
  if (others.length === 0) return { trustedCa: { inlineString: own } };
  const all = [...trustDomains.map((trustDomain) => ({ trustDomain, roots: own })), ...others];
  return {
    customValidatorConfig: extension<SPIFFECertValidatorConfig>(
      "envoy.tls.cert_validator.spiffe",
      "envoy.extensions.transport_sockets.tls.v3.SPIFFECertValidatorConfig",
      {
        trustDomains: all.map(({ trustDomain, roots }) => ({
          name: trustDomain,
          trustBundle: { inlineString: roots },
        })),
      },
    ),
  };
}
