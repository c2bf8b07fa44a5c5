/** What makes a certificate an X.509-SVID, checked on each that is issued and on each that is read. */

import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  X509Certificate,
} from "./x509.ts";
import { firstCertificate } from "./pem.ts";
import { PkiError } from "./pki-error.ts";
import { assertSpiffeUri } from "./spiffe.ts";
import { subjectNames } from "./subject.ts";

export interface Svid {
  readonly spiffeId: string;
  readonly dnsNames: readonly string[];
  /** Hexadecimal, lower case. */
  readonly serialNumber: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly certificate: X509Certificate;
}

/** Reads the first certificate of a chain in PEM. Throws `HDL7109` where it is no X.509-SVID of a workload, with the rule that it breaks. */
export function readSvid(chain: string): Svid {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(firstCertificate(chain));
  } catch (error) {
    throw new PkiError("HDL7109", "The certificate cannot be read.", error);
  }
  return svidOf(certificate);
}

/** The rules of the X.509-SVID specification, sections 2 to 4, for a leaf. Throws `HDL7109`. */
export function svidOf(certificate: X509Certificate): Svid {
  const breaks = (rule: string): never => {
    throw new PkiError("HDL7109", `Certificate ${certificate.serialNumber}: ${rule}.`);
  };
  const names = subjectNames(certificate.extensions);
  const uris = names.filter(({ type }) => type === "url").map(({ value }) => value);
  const [spiffeId = ""] = uris;
  if (uris.length !== 1) breaks(`it has ${uris.length} URIs as names, and must have one`);
  try {
    assertSpiffeUri(spiffeId);
  } catch (error) {
    breaks((error as Error).message.replace(/\.$/, ""));
  }
  if (certificate.getExtension(BasicConstraintsExtension)?.ca)
    breaks("it is an authority's, and must not be");
  const usage = certificate.getExtension(KeyUsagesExtension);
  if (!usage?.critical) breaks("it has no critical key usage");
  const uses = (flag: KeyUsageFlags) => ((usage?.usages ?? 0) & flag) !== 0;
  if (!uses(KeyUsageFlags.digitalSignature)) breaks("its key may not sign");
  if (uses(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign))
    breaks("its key may sign certificates or revocation lists, and must not");
  const extended = certificate.getExtension(ExtendedKeyUsageExtension)?.usages;
  for (const side of [ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth])
    if (extended && !extended.includes(side)) breaks(`its extended key usage lacks ${side}`);
  return {
    spiffeId,
    dnsNames: names.filter(({ type }) => type === "dns").map(({ value }) => value),
    serialNumber: certificate.serialNumber,
    notBefore: certificate.notBefore,
    notAfter: certificate.notAfter,
    certificate,
  };
}
