/** X.509 name constraints (RFC 5280, section 4.2.1.10): those that keep an intermediate to one trust domain, and those of others. */

import { Extension } from "./x509.ts";

export const NAME_CONSTRAINTS = "2.5.29.30";

/**
 * Permits URIs of exactly this trust domain, the DNS names that are given (one at least), and nothing else: no subdomain of the
 * trust domain, no other DNS name, no address. This very set is judged alike by BoringSSL (Envoy), OpenSSL and Go; a constraint on
 * a URI's path refuses everything.
 */
export function withinTrustDomain(trustDomain: string, dnsNames: readonly string[]): Extension {
  const permitted = [uri(trustDomain), ...dnsNames.map(dns)];
  // DNS names that are permitted exclude all others; to exclude all as well would exclude these too.
  const excluded = [uri(`.${trustDomain}`), address(8), address(32)];
  return new Extension(
    NAME_CONSTRAINTS,
    true,
    der(0x30, [der(0xa0, permitted), der(0xa1, excluded)]),
  );
}

/** Tags of general names, as constraints have them. */
const TAGS = { dns: 0x82, uri: 0x86, address: 0x87 } as const;

export interface NameConstraints {
  /** Whether a certificate below may have this DNS name. */
  permitsDns(name: string): boolean;
  /** Whether it may have a URI of this host. */
  permitsUriHost(host: string): boolean;
}

/** Throws a `RangeError` for bytes that are no name constraints. */
export function readNameConstraints(extension: Extension): NameConstraints {
  const [sequence] = elements(new Uint8Array(extension.value));
  const subtrees = (which: number, tag: number) =>
    elements(sequence?.content)
      .filter((each) => each.tag === which)
      .flatMap(({ content }) => elements(content))
      .map(({ content }) => elements(content)[0])
      .filter((name) => name?.tag === tag)
      .map((name) => new TextDecoder().decode(name?.content).toLowerCase());
  const permits = (tag: number, within: (constraint: string) => boolean) => {
    const permitted = subtrees(0xa0, tag);
    return (permitted.length === 0 || permitted.some(within)) && !subtrees(0xa1, tag).some(within);
  };
  return {
    permitsDns: (name) => permits(TAGS.dns, (constraint) => isBelow(name, constraint)),
    permitsUriHost: (host) =>
      permits(TAGS.uri, (constraint) =>
        constraint.startsWith(".") ? host.endsWith(constraint) : host === constraint,
      ),
  };
}

/** An empty constraint is of all names; a leading dot leaves out the name itself. */
function isBelow(name: string, constraint: string): boolean {
  if (constraint === "" || name === constraint) return true;
  return name.endsWith(constraint.startsWith(".") ? constraint : `.${constraint}`);
}

const uri = (host: string) => subtree(der(TAGS.uri, [ascii(host)]));
const dns = (name: string) => subtree(der(TAGS.dns, [ascii(name)]));
/** Address and mask, all zero: every address. */
const address = (size: 8 | 32) => subtree(der(TAGS.address, [new Uint8Array(size)]));
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

/** The DER elements that follow each other in some bytes. */
function elements(bytes: Uint8Array = new Uint8Array()): { tag: number; content: Uint8Array }[] {
  const found: { tag: number; content: Uint8Array }[] = [];
  for (let at = 0; at < bytes.length;) {
    const [tag = 0, first = 0] = bytes.subarray(at);
    const more = first < 0x80 ? 0 : first & 0x7f;
    const size =
      more === 0 ? first : bytes.subarray(at + 2, at + 2 + more).reduce((n, b) => n * 256 + b, 0);
    const start = at + 2 + more;
    if (more > 4 || start + size > bytes.length) throw new RangeError("The DER is cut off.");
    found.push({ tag, content: bytes.subarray(start, start + size) });
    at = start + size;
  }
  return found;
}
