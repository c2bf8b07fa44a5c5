/** Why the keys of an issuer cannot be had. */

/**
 * `HDL7290`: not to be fetched; `HDL7291`: what was fetched is no set of keys to go by; `HDL7292`: they are at an address that
 * nobody may have fetched; `HDL7293`: the issuer does not say where its keys are.
 */
export type JwksErrorCode = "HDL7290" | "HDL7291" | "HDL7292" | "HDL7293";

const REMEDIES: Readonly<Record<JwksErrorCode, string>> = {
  HDL7290: "Check the URL, and that the agent can reach it; it is tried again by itself.",
  HDL7291: "Let the URL answer with a JSON Web Key Set (RFC 7517) of the issuer's public keys.",
  HDL7292:
    "Where it is meant, name the host or the range with --jwks-allow when the agent is started; a Service of the cluster needs no leave.",
  HDL7293: "Name the keys in jwksUri, or let the issuer answer as OpenID Connect Discovery has it.",
};

export class JwksError extends Error {
  override readonly name = "JwksError";
  readonly code: JwksErrorCode;

  constructor(code: JwksErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }

  get remedy(): string {
    return REMEDIES[this.code];
  }
}
