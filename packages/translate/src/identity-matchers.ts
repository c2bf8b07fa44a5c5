/** Whose certificate a peer may show, where it is not one identity alone. */
import type { SubjectAltNameMatcher } from "@heddle/envoy/extensions/transport_sockets/tls/v3";

/** Any identity of these trust domains. */
export function identitiesIn(trustDomains: readonly string[]): readonly SubjectAltNameMatcher[] {
  return trustDomains.map((domain) => ({
    sanType: "URI",
    matcher: { prefix: `spiffe://${domain}/` },
  }));
}
