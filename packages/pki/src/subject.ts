/** The subject alternative names of certificates and of requests for them. */

import { type Extension, SubjectAlternativeNameExtension } from "./x509.ts";

const SUBJECT_ALTERNATIVE_NAME = "2.5.29.17";

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

export interface SubjectName {
  /** `url`, `dns`, `ip`, `email` and others that `@peculiar/x509` has. */
  readonly type: string;
  readonly value: string;
}

/** Of every subject alternative name that there is. */
export function subjectNames(extensions: readonly Extension[]): readonly SubjectName[] {
  return extensions
    .filter(({ type }) => type === SUBJECT_ALTERNATIVE_NAME)
    .flatMap((extension) =>
      "names" in extension ? (extension as SubjectAlternativeNameExtension).names.items : [],
    );
}
