/** X.509 name constraints (RFC 5280, section 4.2.1.10) that keep an intermediate to one trust domain. */

import { Extension } from "./x509.ts";

const OID = "2.5.29.30";

/**
 * Permits URIs of exactly this trust domain, the DNS names that are given (one at least), and nothing else: no subdomain of the trust domain,
 * no other DNS name, no address. This very set is judged alike by BoringSSL (Envoy), OpenSSL and Go; a constraint on a URI's
 * path refuses everything.
 */
export function withinTrustDomain(trustDomain: string, dnsNames: readonly string[]): Extension {
  const permitted = [uri(trustDomain), ...dnsNames.map(dns)];
  // DNS names that are permitted exclude all others; to exclude all as well would exclude these too.
  const excluded = [uri(`.${trustDomain}`), address(8), address(32)];
  return new Extension(OID, true, der(0x30, [der(0xa0, permitted), der(0xa1, excluded)]));
}

const uri = (host: string) => subtree(der(0x86, [ascii(host)]));
const dns = (name: string) => subtree(der(0x82, [ascii(name)]));
/** Address and mask, all zero: every address. */
const address = (size: 8 | 32) => subtree(der(0x87, [new Uint8Array(size)]));
const subtree = (name: Uint8Array) => der(0x30, [name]);
const ascii = (text: string) => new TextEncoder().encode(text);

/** One DER element; its parts are short enough for a length of at most two bytes. */
function der(tag: number, parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  const length =
    size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  const bytes = new Uint8Array(1 + length.length + size);
  bytes.set([tag, ...length]);
  let offset = 1 + length.length;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}
