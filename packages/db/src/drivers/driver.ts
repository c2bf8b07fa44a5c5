/** What the database needs of a driver; PGlite, Postgres and Neon each give it. */

/** One connection, leased: nobody else uses it meanwhile. Values travel in Postgres' text form, except json and booleans and numbers up to 53 bits, which may be parsed. */
export interface Connection {
  /** Rows as arrays, in the order of the selected columns. */
  rows(text: string, params: readonly unknown[]): Promise<unknown[][]>;
  /** Rows as objects by column name. */
  records(text: string, params: readonly unknown[]): Promise<Record<string, unknown>[]>;
  /** Statements without parameters, one or several, in one round trip. */
  script(text: string): Promise<void>;
  /** The connection is in an unknown state: close it instead of giving it to the next. */
  discard(): void;
}

export interface Driver {
  readonly kind: "pglite" | "postgres" | "neon";
  lease<T>(work: (connection: Connection) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}
