/** When certificates end, for whoever watches them: renewal that fails is seen long before an outage is. */
import { X509Certificate } from "node:crypto";
import { type ExpiryLevel, expiryLevel, type ExpiryRule, splitPem } from "@heddle/pki";
import type { WorkloadCertificates } from "./certificates.ts";
import type { Issuer } from "./issuer.ts";

/** Of workloads, what the agent signs with, and what is trusted: as the plane's inventory calls them. */
export const WATCHED_KINDS = ["leaf", "agent", "root"] as const;
export type WatchedKind = (typeof WATCHED_KINDS)[number];

export interface WatchedCertificate {
  readonly kind: WatchedKind;
  readonly level: ExpiryLevel;
  /** Milliseconds since 1970. */
  readonly notAfter: number;
}

/** Everything that an agent holds, at `now` in milliseconds since 1970. */
export function watchedCertificates(
  certificates: Pick<WorkloadCertificates, "all" | "trustBundle">,
  issuer: Pick<Issuer, "intermediate" | "signedBy">,
  now: number,
): readonly WatchedCertificate[] {
  const leaf = issuer.signedBy === "plane" ? "direct" : "leaf";
  const watched = (kind: WatchedKind, rule: ExpiryRule, notBefore: number, notAfter: number) => ({
    ...{ kind, notAfter },
    level: expiryLevel(rule, { notBefore, notAfter }, now),
  });
  const authority = (kind: "agent" | "root", pem: string) => {
    const { validFrom, validTo } = new X509Certificate(pem);
    return watched(kind, kind, Date.parse(validFrom), Date.parse(validTo));
  };
  const own = issuer.intermediate?.();
  return [
    // From when it was made, and not from a little before, which is all of the life of a short one.
    ...certificates
      .all()
      .map(({ issuedAt, notAfter }) => watched("leaf", leaf, issuedAt, notAfter)),
    ...(own === undefined ? [] : [authority("agent", own)]),
    ...splitPem(certificates.trustBundle() ?? "").map((pem) => authority("root", pem)),
  ];
}

/** Seconds since 1970, when the first of a kind ends; undefined where there is none. */
export function firstEnd(
  all: readonly WatchedCertificate[],
  kind: WatchedKind,
): number | undefined {
  const ends = all.filter((each) => each.kind === kind).map(({ notAfter }) => notAfter);
  return ends.length === 0 ? undefined : Math.round(Math.min(...ends) / 1000);
}
