/** What a check has to say about one object. */

export type Level = "Error" | "Warning" | "Info";

export interface Diagnostic {
  /** `IST…` means what Istio's code means; ours are `HDL…`. Each has a page in docs/codes. */
  readonly code: string;
  readonly level: Level;
  readonly message: string;
  /** `Kind namespace/name`; the file's name where no object could be read. */
  readonly origin: string;
  /** `file:line`, lines counted from 1. */
  readonly reference?: string;
  /** JSON path inside the object, `spec.http[0].route[1].weight`. */
  readonly path?: string;
  /** What to do about it. */
  readonly remedy?: string;
}
