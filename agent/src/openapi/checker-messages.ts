/** What the agent and its checking thread tell each other: each ask has one answer, in order. */
import type { CheckedRequest, Refused } from "./checked-request.ts";

export type Ask =
  | { readonly type: "load"; readonly name: string; readonly document: string }
  /** Of a document that was loaded. */
  | { readonly type: "check"; readonly name: string; readonly request: CheckedRequest };

export interface Answer {
  readonly refused?: Refused;
  /** It could not be done. */
  readonly error?: string;
}
