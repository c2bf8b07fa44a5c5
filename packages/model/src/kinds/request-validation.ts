/** RequestValidation of heddle.dev: what requests must look like before a workload, or a gateway, takes them. */
import type { PolicyTarget } from "./policy-target.ts";
import type { StringMatch } from "./virtual-service.ts";

/** Of several that are for a proxy the narrowest counts: one that names or selects it, its namespace's, the root namespace's. */
export interface RequestValidation extends Omit<PolicyTarget, "targetRef"> {
  /** REPORT refuses nothing and tells in access logs what would be refused; ENFORCE where it is left out. */
  readonly mode?: "ENFORCE" | "REPORT";
  readonly paths?: PathNormalization;
  readonly limits?: RequestLimits;
  /** The first one that matches a request decides over it; one that none matches has `limits` alone. */
  readonly rules?: readonly ValidationRule[];
  readonly openapi?: OpenApiValidation;
}

/** How a path is written before anything looks at it; `.` and `..` are resolved in any case. Not followed while mode is REPORT. */
export interface PathNormalization {
  /** `//` becomes `/`; where it is left out, at gateways only. */
  readonly mergeSlashes?: boolean;
  /**
   * What becomes of `%2F` and `%5C`. DECODE goes on with the path that they stand for, REDIRECT sends the client there, REFUSE
   * answers with 400. Where it is left out: REDIRECT at gateways, KEEP elsewhere.
   */
  readonly escapedSlashes?: "KEEP" | "DECODE" | "REDIRECT" | "REFUSE";
}

/** The most that a request may have. */
export interface RequestLimits {
  /** Headers, those apart that proxies add. */
  readonly headers?: number;
  /** Names and values of all headers, in bytes, what proxies add among them. */
  readonly headerBytes?: number;
  /** Path and query, in bytes. */
  readonly urlBytes?: number;
  /** Of requests for which no rule says another. What does not say its length is held back until it ends. */
  readonly bodyBytes?: number;
}

export interface ValidationRule {
  /** In logs; the position in the list without it. */
  readonly name?: string;
  /** Requests that it is for; all without it. */
  readonly match?: ValidationMatch;
  /** Methods that are taken; all without it. Others are answered with 405. */
  readonly methods?: readonly string[];
  /** Types of bodies that are taken, `type/subtype` or `type/*`; all without it. Others are answered with 415. */
  readonly contentTypes?: readonly string[];
  /** In place of `limits.bodyBytes`, also where it is more. */
  readonly maxBodyBytes?: number;
}

/** All that is there must hold. */
export interface ValidationMatch {
  /** As it is after normalization, without the query. */
  readonly path?: StringMatch;
  readonly method?: StringMatch;
  /** At a gateway: the name of the route that the request takes, as VirtualService's `http[].name`. */
  readonly route?: string;
}

/** Requests are checked by the agent against a description of the service. */
export interface OpenApiValidation {
  /** OpenAPI 3.0 or 3.1 in JSON or YAML; its references stay inside of it. */
  readonly document: string;
  /** Larger bodies are refused unread; 1 MiB where it is left out, and at most. */
  readonly maxBodyBytes?: number;
  /** How long a proxy waits for the agent; 1s where it is left out, 5s at most. */
  readonly timeout?: string;
  /** While no agent can be asked, or none answers in time; DENY where it is left out. REPORT lets through in any case. */
  readonly onFailure?: "ALLOW" | "DENY";
}
