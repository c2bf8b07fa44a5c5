/** What the plane is told of this agent's authority: a rotation of the root waits for its word. */
import { X509Certificate } from "node:crypto";
import { type AgentFrame, MAX_MISSING } from "@heddle/sync";
import type { Issuer } from "../identity/issuer.ts";
import type { KnownRoots } from "../identity/known-roots.ts";
import type { PlaneAuthority } from "../identity/plane-authority.ts";

type AuthorityFrame = Extract<AgentFrame, { type: "authority" }>;

/** Undefined where the plane has not asked. `missing`: proxies that were connected and are not back. */
export function authorityReport(
  plane: Pick<PlaneAuthority, "asked" | "version">,
  issuer: Issuer,
  roots: Pick<KnownRoots, "known">,
  missing: readonly string[],
): AuthorityFrame | undefined {
  if (!plane.asked()) return undefined;
  const version = plane.version();
  const root = issuer.root?.();
  const own = issuer.intermediate?.();
  return {
    type: "authority",
    ...(version === undefined ? {} : { version }),
    ...(root === undefined ? {} : { issuer: root }),
    roots: roots.known(issuer.trustBundle?.()),
    missing: missing.slice(0, MAX_MISSING),
    ...(own === undefined ? {} : { intermediate: described(own) }),
  };
}

function described(pem: string): NonNullable<AuthorityFrame["intermediate"]> {
  const { serialNumber, subject, issuer, validFrom, validTo } = new X509Certificate(pem);
  return {
    serialNumber: serialNumber.toLowerCase(),
    ...{ subject: oneLine(subject), issuer: oneLine(issuer) },
    notBefore: new Date(validFrom).toISOString(),
    notAfter: new Date(validTo).toISOString(),
  };
}

/** Node has each part of a name on a line of its own. */
const oneLine = (name: string) => name.split("\n").join(", ").slice(0, 1024);
