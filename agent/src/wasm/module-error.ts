/** Why a plugin's module cannot be had. */

/** `HDL7220`: not to be fetched; `HDL7221`: another checksum; `HDL7222`: not a module that Envoy can run. */
export type ModuleErrorCode = "HDL7220" | "HDL7221" | "HDL7222";

export class ModuleError extends Error {
  override readonly name = "ModuleError";
  readonly code: ModuleErrorCode;
  readonly remedy: string;

  constructor(code: ModuleErrorCode, message: string, remedy: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
    this.remedy = remedy;
  }
}
