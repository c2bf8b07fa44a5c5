/** A certificate as people are shown it. */

import { X509Certificate } from "./x509.ts";
import { firstCertificate } from "./pem.ts";

export interface DescribedCertificate {
  readonly subject: string;
  readonly issuer: string;
  /** Hexadecimal. */
  readonly serialNumber: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** The first one in PEM. */
export function describeCertificate(pem: string): DescribedCertificate {
  const { subject, issuer, serialNumber, notBefore, notAfter } = new X509Certificate(
    firstCertificate(pem),
  );
  return { subject, issuer, serialNumber, notBefore, notAfter };
}
