/** Fallback of heddle.dev: who answers for a service while it cannot. */
import type { Destination } from "./destination.ts";

/**
 * Counts in the namespace of the host's service, and from the root namespace. Of several for one request those that name its
 * route come first, then those that name the subset, then the oldest.
 */
export interface Fallback {
  /** The service whose requests may need another answer. */
  readonly host: string;
  /** Only requests that are led to this subset; all without it. */
  readonly subset?: string;
  /** Only requests of routes with these names: `http[].name` of a VirtualService, a rule's name of an HTTPRoute. */
  readonly routes?: readonly string[];
  /** How long a try may take until its answer begins; 500ms where it is left out. */
  readonly after?: string;
  /** Answers that count as failures besides 502, 503 and 504. */
  readonly statuses?: readonly number[];
  /** Where a failed request is tried once more. At least one of `destination` and `response` is there. */
  readonly destination?: Destination;
  /** What is answered where no destination has answered well. */
  readonly response?: FallbackResponse;
}

export interface FallbackResponse {
  readonly status: number;
  readonly body?: string;
  /** Set in the answer, such as content-type. */
  readonly headers?: Readonly<Record<string, string>>;
}
