/** What can go wrong with identities and certificates, each with a stable code and what to do about it. */

export const pkiCodes = {
  HDL7101:
    "The certificate request cannot be read, or its signature is not its own key's; make a new one.",
  HDL7102:
    "Only P-256 keys, and RSA keys of 2048 to 4096 bits with the exponent 65537, are certified; make the request with one.",
  HDL7103:
    "The identity is outside the mesh's trust domain or not a SPIFFE id of the form spiffe://<trust domain>/ns/<namespace>/sa/<service account>.",
  HDL7104:
    "The sealed key cannot be opened: the envelope key is another one, or the value was changed. Start with the HEDDLE_ENVELOPE_KEY it was made with, or the HEDDLE_KMS_KEY.",
  HDL7105: "The certificate authority has expired; rotate it.",
  HDL7106: "The lifetime asked for is out of bounds.",
  HDL7107: "The envelope key must have 32 bytes.",
  HDL7108:
    "Ask for at most 16 DNS names, each whole and in lower case, such as heddle-agent.heddle-system.svc.",
  HDL7109:
    "The certificate breaks the rule of X.509-SVID that the message names. Have it issued anew, by an authority that keeps to them.",
  HDL7110:
    "Ask for one URI, a SPIFFE id, and DNS names: addresses, e-mail addresses and names of other kinds are not certified.",
  HDL7111:
    "Ask only for names of the identity's own namespace, such as reviews.shop.svc in namespace shop; an intermediate, for whole names of servers.",
  HDL7113:
    "Send the certificates in PEM, one after the other: the intermediate, what leads to the root, and the root; 2 to 5 of them, and no key.",
  HDL7114:
    "Put them in order: the intermediate that was signed for the request, then the certificate that signed it, and so on up to the self-signed root.",
  HDL7115:
    "Sign the request that `heddle ca csr` prints, and no other: the mesh has no key for another one.",
  HDL7116:
    "Sign it as an authority: basicConstraints = critical, CA:TRUE and keyUsage = critical, keyCertSign, cRLSign.",
  HDL7117:
    "Agents have intermediates below the plane's, so that it needs pathlen:1 at least, or none, and each above it one more.",
  HDL7118:
    "Sign it anew, valid from now on and for 14 days at least; a year is usual. No certificate may outlive its issuer.",
  HDL7119:
    "Let name constraints permit the URI of the mesh's trust domain, and DNS names; or sign without any. A SPIFFE id in the certificate must be the trust domain's.",
  HDL7120:
    "Sign with SHA-256 or better, by a key of P-256, P-384 or RSA from 2048 bits: proxies take no weaker ones.",
  HDL7121:
    "Sign it without the extension that the message names: proxies refuse critical ones that they do not know.",
  HDL9120:
    "See that the key service runs, is unsealed, and can be reached from the plane at HEDDLE_KMS_KEY. Nothing was lost: sealed keys open again when it is back.",
  HDL9121:
    "Give the plane's token the right to encrypt and decrypt with the key of HEDDLE_KMS_KEY, and see that token and key are still there.",
  HDL9122:
    "Start the plane with the key that it was sealed under beside the new one, and seal everything anew with `heddle ca rewrap`, before the former one goes.",
  HDL7122:
    "Give the trust bundle of the other trust domain: its roots in PEM, or the SPIFFE document that its bundle endpoint answers with; 64 KiB and 8 roots at most, and no key.",
  HDL7123:
    "Leave out what is no root: certificates of workloads and servers vouch for nobody. A root has basicConstraints CA:TRUE and, where it has a key usage, keyCertSign.",
  HDL7124:
    "Ask whoever runs the other trust domain for its own bundle, and check that the name of the trust domain is spelt as there.",
  HDL7125:
    "Ask whoever runs the other trust domain for its bundle of today; where it has just been made, look at the clocks.",
} as const;
export type PkiCode = keyof typeof pkiCodes;

/** A failure of identity or certificates. `message` says what and where; the remedy goes with the code. */
export class PkiError extends Error {
  readonly code: PkiCode;
  constructor(code: PkiCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "PkiError";
    this.code = code;
  }
  get remedy(): string {
    return pkiCodes[this.code];
  }
}
