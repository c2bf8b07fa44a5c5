/** Which root a certificate leads to, and what roots are called between plane and agent. */
import { X509Certificate } from "node:crypto";
import { splitPem } from "@heddle/pki";

/** SHA-256 of the first certificate's DER, hexadecimal, as the plane has it. */
export function fingerprint(pem: string | X509Certificate): string {
  const certificate = typeof pem === "string" ? new X509Certificate(pem) : pem;
  return certificate.fingerprint256.replaceAll(":", "").toLowerCase();
}

/** Of every root in a bundle. */
export const fingerprints = (bundle: string) => splitPem(bundle).map((pem) => fingerprint(pem));

/** The fingerprint of the root in the bundle that has signed the end of a chain; undefined where none has. */
export function rootOfChain(chain: string, bundle: string): string | undefined {
  const last = splitPem(chain).at(-1);
  if (last === undefined) return undefined;
  const certificate = new X509Certificate(last);
  const root = splitPem(bundle)
    .map((pem) => new X509Certificate(pem))
    .find((each) => certificate.checkIssued(each) && certificate.verify(each.publicKey));
  return root && fingerprint(root);
}
