/** The subject alternative names of workload certificates. */

import { SubjectAlternativeNameExtension } from "./x509.ts";

/** Critical, since the subject is empty (RFC 5280, section 4.2.1.6). */
export function spiffeSubject(
  uris: readonly string[],
  dnsNames: readonly string[],
): SubjectAlternativeNameExtension {
  return new SubjectAlternativeNameExtension(
    [
      ...uris.map((value) => ({ type: "url" as const, value })),
      ...dnsNames.map((value) => ({ type: "dns" as const, value })),
    ],
    true,
  );
}
