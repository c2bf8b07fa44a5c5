/** What patches need of Envoy's API: to read what a person wrote as a message, and to lay one message over another. */

export type Fields = Readonly<Record<string, unknown>>;

/** `@heddle/envoy` has both; whoever makes a translator hands them in, as the translation itself knows only types. */
export interface EnvoyApi {
  /** The value in the form that all of our own values have. Throws where it is no such message; see `WrongValue`. */
  canonical(messageName: string, value: unknown): Fields;
  /** `patch` over `base`, both canonical; neither is changed. */
  merge(messageName: string, base: Fields, patch: Fields, lists?: "append" | "replace"): Fields;
}

/** What `canonical` throws, as far as it is read. */
export interface WrongValue {
  /** `HDL3001` to `HDL3005`. */
  readonly code: string;
  /** From the message to the place, `""` being the message itself. */
  readonly path: string;
  readonly problem: string;
  readonly remedy: string;
}

export function isWrongValue(error: unknown): error is WrongValue {
  return error instanceof Error && "problem" in error && "remedy" in error && "path" in error;
}
