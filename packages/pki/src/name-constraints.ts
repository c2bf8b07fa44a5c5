/** X.509 name constraints (RFC 5280, section 4.2.1.10): those that keep an intermediate to one trust domain, and those of others. */

import { Extension } from "./x509.ts";
import { ascii, der, elements } from "./der.ts";

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
    der(0x30, der(0xa0, ...permitted), der(0xa1, ...excluded)),
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

const uri = (host: string) => subtree(der(TAGS.uri, ascii(host)));
const dns = (name: string) => subtree(der(TAGS.dns, ascii(name)));
/** Address and mask, all zero: every address. */
const address = (size: 8 | 32) => subtree(der(TAGS.address, new Uint8Array(size)));
const subtree = (name: Uint8Array) => der(0x30, name);
