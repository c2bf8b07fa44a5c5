/** What can go wrong with identities and certificates, each with a stable code and what to do about it. */

export const pkiCodes = {
  HDL7101:
    "The certificate request cannot be read, or its signature is not its own key's; make a new one.",
  HDL7102: "Only P-256 keys are certified; make the request with one.",
  HDL7103:
    "The identity is outside the mesh's trust domain or not a SPIFFE id of the form spiffe://<trust domain>/ns/<namespace>/sa/<service account>.",
  HDL7104:
    "The sealed key cannot be opened: the envelope key is another one, or the value was changed. Start with the HEDDLE_ENVELOPE_KEY it was made with.",
  HDL7105: "The certificate authority has expired; rotate it.",
  HDL7106: "The lifetime asked for is out of bounds.",
  HDL7107: "The envelope key must have 32 bytes.",
  HDL7108:
    "Ask for at most 16 DNS names, each whole and in lower case, such as heddle-agent.heddle-system.svc.",
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
