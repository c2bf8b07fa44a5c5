/** The finders that Heddle brings, by the names that rules call them by. */
import type { RedactionDetector } from "@heddle/model";
import { findCardNumbers, findEmails, findIbans, findIpAddresses } from "./personal-data.ts";
import type { Range } from "./range.ts";
import {
  findAccessKeys,
  findCredentials,
  findJwts,
  findPrivateKeys,
  isSecretName,
} from "./secrets.ts";

export interface Detector {
  /** May overlap and come in any order. */
  readonly find: (text: string) => Iterable<Range>;
  /** Attributes that are what it finds by their names alone, whatever their values. */
  readonly names?: (attribute: string) => boolean;
  /**
   * Matches, without regard to case, in each text in which something is found, or in its attribute's name: what does not match is not
   * looked at, and a request in whose bytes it is nowhere is not even decoded. Empty where that cannot be said.
   */
  readonly trigger: string;
}

export const detectors: Readonly<Record<RedactionDetector, Detector>> = {
  CREDENTIALS: {
    find: findCredentials,
    names: isSecretName,
    trigger: [
      ...["authorization", "cookie", "passw", "passphrase", "pwd", "secret", "token"],
      ...["credential", "api[_-]?key", "access[_-]?key", "private[_-]?key", "session[_-]?id"],
      ...["signature", "\\bsig\\b", "bearer", "basic", "://[^/\\s]{1,300}:[^/\\s]{1,1024}@"],
    ].join("|"),
  },
  JWT: { find: findJwts, trigger: "eyJ[\\w-]{10}" },
  PRIVATE_KEY: { find: findPrivateKeys, trigger: "PRIVATE KEY" },
  ACCESS_KEY: {
    find: findAccessKeys,
    trigger:
      "A(?:KI|SI|BI|CC)A[A-Z2-7]{16}|gh[pousr]_|github_pat_|glpat-|xox[abeprs]-|AIza|[rs]k_live_|npm_",
  },
  EMAIL: { find: findEmails, trigger: "@|%40" },
  // As an integer it has no digits in its bytes.
  CARD_NUMBER: { find: findCardNumbers, trigger: "" },
  IBAN: { find: findIbans, trigger: "[A-Z]{2}\\d{2} ?[A-Z0-9]" },
  IP_ADDRESS: { find: findIpAddresses, trigger: "\\d\\.\\d|[0-9a-f]::?[0-9a-f]" },
};

/** What is found where no Redaction says otherwise. */
export const SECRETS: readonly RedactionDetector[] = [
  "CREDENTIALS",
  "JWT",
  "PRIVATE_KEY",
  "ACCESS_KEY",
];
