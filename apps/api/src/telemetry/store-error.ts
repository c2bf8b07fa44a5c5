/** Failures of a telemetry store that its callers tell apart. */

export type StoreErrorCode =
  /** The file is held by another process. */
  | "HDL5101"
  /** The file was made by another version. */
  | "HDL5102"
  /** More rows wait to be written than the store takes on; try again. */
  | "HDL5103"
  /** The store was closed. */
  | "HDL5104";

export class StoreError extends Error {
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(`${code}: ${message}`, options);
    this.name = "StoreError";
    this.code = code;
  }
}
