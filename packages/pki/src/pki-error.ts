/** What can go wrong with identities and certificates, each with a stable code and what to do about it. */

export const pkiCodes = {
  HDL7101:
    "The certificate request cannot be read, or its signature is not its own key's; make a new one.",
  HDL7102:
    "Only P-256 keys, and RSA keys of 2048 to 4096 bits with the exponent 65537, are certified; make the request with one.",
  HDL7103:
    "The identity is outside the mesh's trust domain or not a SPIFFE id of the form spiffe://<trust domain>/ns/<namespace>/sa/<service account>.",
  HDL7104:
    "The sealed key cannot be opened: the envelope key is another one, or the value was changed. Start with the HEDDLE_ENVELOPE_KEY it was made with.",
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
