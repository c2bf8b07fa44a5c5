/** Whether proxies, and the API server, are to come to an agent. */
import type { ExpiryAlert } from "./identity/expiry-watch.ts";
import type { ServingCertificate } from "./identity/serving-certificate.ts";
import type { SessionState } from "@heddle/sync";

export interface AgentStanding {
  readonly ending: boolean;
  /** Everything of it has been started. */
  readonly up: boolean;
  /** Of the cluster. */
  readonly unread: readonly string[];
  /** Of the TLS port, where there is one. */
  readonly certificate: ServingCertificate | undefined;
  /** What the webhooks wait for. */
  readonly reviews: readonly string[];
  /** To the plane, where there is one. */
  readonly link: SessionState | undefined;
  readonly alerts: readonly ExpiryAlert[];
}

export interface Readiness {
  readonly ready: boolean;
  /** Why it is not; or what is to be told though it is. */
  readonly reasons: readonly string[];
}

/** An agent that has a configuration is ready, also while the plane is away. */
export function readiness(standing: AgentStanding): Readiness {
  const missing = whyNot(standing);
  if (missing.length > 0) return { ready: false, reasons: missing };
  // Nobody would be better off with another agent: it serves, and tells.
  return {
    ready: true,
    reasons: standing.alerts.map(({ code, message }) => `${code}: ${message}`),
  };
}

function whyNot(standing: AgentStanding): readonly string[] {
  const { ending, up, unread, certificate, reviews, link } = standing;
  // Proxies and the API server are to turn to others while what is under way is finished.
  if (ending) return ["it is ending"];
  if (unread.length > 0) return unread.map((what) => `not read yet: ${what}`);
  if (!up) return ["it is starting"];
  const unsigned = certificate && whyUnsigned(certificate);
  if (unsigned !== undefined) return [unsigned];
  if (reviews.length > 0) return reviews;
  const waiting = link && link.applied.number === 0 && link.phase !== "open";
  return waiting ? ["there is no configuration yet"] : [];
}

/** What the agent signs for others it signs for itself: where it cannot, nobody is to come to it. */
function whyUnsigned(certificate: ServingCertificate): string | undefined {
  const until = certificate.expiresAt();
  if (until === undefined) return "there is no certificate for the TLS port yet";
  if (until > Date.now()) return undefined;
  return "the TLS port's certificate has expired, and no other could be signed";
}
