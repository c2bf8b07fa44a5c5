/** Why the trust bundle of another trust domain cannot be had from its endpoint. */
import { PkiError } from "@heddle/pki";
import { JwksError } from "../jwks/index.ts";

/**
 * `HDL9115`: not to be fetched; `HDL9116`: what was fetched is no bundle of the trust domain to go by; `HDL9117`: it is at an address
 * that nobody may have fetched; `HDL9118`: it is older than the one that is in force.
 */
export type FederationErrorCode = "HDL9115" | "HDL9116" | "HDL9117" | "HDL9118";

export class FederationError extends Error {
  override readonly name = "FederationError";
  readonly code: FederationErrorCode;

  constructor(code: FederationErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/** Of whatever fetching and reading have thrown. */
export function federationErrorOf(error: unknown, url: string): FederationError {
  if (error instanceof FederationError) return error;
  if (error instanceof PkiError)
    return new FederationError("HDL9116", `${url}: ${error.code}: ${error.message}`, error);
  if (!(error instanceof JwksError))
    return new FederationError("HDL9115", `${url} cannot be fetched: ${String(error)}`, error);
  const { code, message } = error;
  if (code === "HDL7292") return new FederationError("HDL9117", message, error);
  return new FederationError(code === "HDL7291" ? "HDL9116" : "HDL9115", message, error);
}
