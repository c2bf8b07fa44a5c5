/** Certificates in PEM, one or several after each other. */

import { X509Certificate } from "./x509.ts";

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Each certificate's own text, with a line's end, in order; what stands between them is left out. */
export function splitPem(text: string): string[] {
  return [...text.matchAll(BLOCK)].map(([block]) => `${block}\n`);
}

/** The first of them; the text itself where there is none, so that whoever reads it says so. */
export function firstCertificate(text: string): string {
  return splitPem(text)[0] ?? text;
}

export function pemOf(certificate: X509Certificate): string {
  return `${certificate.toString("pem").trim()}\n`;
}

/** SHA-256 of the first certificate's DER, hexadecimal: what the mesh's parts call a root by. */
export async function fingerprintOf(pem: string): Promise<string> {
  const { rawData } = new X509Certificate(firstCertificate(pem));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", rawData));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Of every certificate in a bundle, in order. */
export function fingerprintsOf(bundle: string): Promise<string[]> {
  return Promise.all(splitPem(bundle).map(fingerprintOf));
}
