/** Redaction of heddle.dev: what logs and spans do not say outside of the cluster. */
import type { WorkloadSelector } from "./destination.ts";

/**
 * All that are for a workload hold together: the root namespace's come first, then its namespace's. A narrower one takes more
 * away, and never gives back.
 */
export interface Redaction {
  /** Workloads and gateways by their pods' labels. Absent: the namespace's, or from the root namespace the mesh's. */
  readonly selector?: WorkloadSelector;
  /**
   * Whether secrets that Heddle knows by their looks are taken away, as they are where no object says anything. The narrowest object
   * that says so counts, and of several as narrow one that says REDACT.
   */
  readonly secrets?: "REDACT" | "PASS";
  /** Each is applied to what the ones before have left. */
  readonly rules?: readonly RedactionRule[];
}

/** At least one of `where`, with a place, and `what` is there. */
export interface RedactionRule {
  /** In counts; the position in the list without it. */
  readonly name?: string;
  /** Where is looked; everywhere without it. */
  readonly where?: RedactionPlaces;
  /** What is taken away of what is there; all of it without this. */
  readonly what?: RedactionFinding;
  /** What stands in its place; `[redacted]` without it. */
  readonly how?: RedactionForm;
}

/** Any of these; without a place, everywhere. */
export interface RedactionPlaces {
  /** Logs, traces or both; both where it is left out. */
  readonly signals?: readonly RedactedSignal[];
  /** Names of attributes of records, spans, their events, links and resources; `*` stands for any characters, and case does not count. */
  readonly attributes?: readonly string[];
  /** Names of parameters of a URL's query, wherever a URL stands; as `attributes`. */
  readonly queryParameters?: readonly string[];
  /** A log's text, and the names of a span and its events, and what its status says. */
  readonly body?: boolean;
  /** A URL's path, without its query, in the attributes that hold URLs, in texts and in names of spans. */
  readonly path?: boolean;
}

export type RedactedSignal = "LOGS" | "TRACES";

/** What any of these finds. */
export interface RedactionFinding {
  readonly detectors?: readonly RedactionDetector[];
  /** In RE2's syntax; what it matches, wherever that stands. */
  readonly regex?: string;
}

/** Finders that Heddle brings; the first four are of secrets. */
export type RedactionDetector =
  /** What follows `Bearer` or `Basic`, passwords in URLs, and values called authorization, cookie, password, token and the like. */
  | "CREDENTIALS"
  | "JWT"
  /** In PEM. */
  | "PRIVATE_KEY"
  /** Keys of clouds and of well-known services, by their prefixes. */
  | "ACCESS_KEY"
  | "EMAIL"
  /** Of payment cards, with a check digit that is right. */
  | "CARD_NUMBER"
  /** With check digits that are right, and its country's length. */
  | "IBAN"
  /** IPv4 and IPv6. */
  | "IP_ADDRESS";

/** One of these. */
export interface RedactionForm {
  /** This text. */
  readonly mask?: string;
  /** `****` and so many characters of its end, 1 to 8; none of a value that is not at least twice as long. */
  readonly keepLast?: number;
  /** A hash with a key of the mesh: equal values stay equal. */
  readonly hash?: boolean;
  /** Nothing: an attribute goes whole, of other text what was found. */
  readonly drop?: boolean;
}
