/** What the PGlite thread and its owner say to each other. */

export interface OpenOptions {
  /** Where Postgres keeps its files; in memory where undefined. */
  readonly directory: string | undefined;
  /** Write-ahead log to the disk before a commit is answered. */
  readonly durable: boolean;
}

export type Request =
  | {
      readonly id: number;
      readonly op: "rows" | "records";
      readonly text: string;
      readonly params: readonly unknown[];
    }
  | { readonly id: number; readonly op: "script"; readonly text: string }
  | { readonly id: number; readonly op: "close" };

export type Reply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: Failure };

/** A Postgres error's fields, as far as they exist. */
export interface Failure {
  readonly message: string;
  readonly code: string | undefined;
  readonly detail: string | undefined;
  readonly constraint: string | undefined;
}
