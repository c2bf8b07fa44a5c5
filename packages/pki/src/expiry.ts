/** When the end of a certificate is something to worry about: each kind is renewed at a time of its own, and one that was not is late. */

export type CertificateKind = "root" | "intermediate" | "agent" | "leaf" | "federated";
/** Leaves that the plane signs itself are watched more closely: nothing renews them while it is away. */
export type ExpiryRule = CertificateKind | "direct";
/** `critical`: act now; `warning`: its renewal is late, or has to be planned. */
export type ExpiryLevel = "ok" | "warning" | "critical" | "expired";
/** From the best to the worst. */
export const EXPIRY_ORDER = [
  "ok",
  "warning",
  "critical",
  "expired",
] as const satisfies ExpiryLevel[];

const DAY = 86_400_000;

/**
 * Authorities of a mesh are renewed by people, who need weeks; below 14 days what agents sign would be cut short. Milliseconds.
 * Agents renew their intermediates at half of their life, leaves at two thirds, and those that the plane signs at one third, give or
 * take: shares of a life that are left.
 */
export const EXPIRY_LEVELS = {
  root: { warning: 90 * DAY, critical: 14 * DAY },
  intermediate: { warning: 60 * DAY, critical: 14 * DAY },
  agent: { warning: 0.35, critical: 0.1 },
  leaf: { warning: 0.2, critical: 0.08 },
  /** A root of another trust domain, which may live for a day as SPIRE's do, or for years: of these shares and a root's times the less. */
  federated: { warning: 0.25, critical: 0.1 },
  direct: { warning: 0.5, critical: 0.2 },
} as const satisfies Record<ExpiryRule, { warning: number; critical: number }>;

/** Times in milliseconds since 1970. */
export function expiryLevel(
  rule: ExpiryRule,
  { notBefore, notAfter }: { readonly notBefore: number; readonly notAfter: number },
  now: number,
): ExpiryLevel {
  const left = notAfter - now;
  if (left <= 0) return "expired";
  const life = notAfter - notBefore;
  const least = (level: "warning" | "critical") => {
    const bound = EXPIRY_LEVELS[rule][level];
    if (rule === "federated") return Math.min(bound * life, EXPIRY_LEVELS.root[level]);
    return rule === "root" || rule === "intermediate" ? bound : bound * life;
  };
  if (left < least("critical")) return "critical";
  return left < least("warning") ? "warning" : "ok";
}
