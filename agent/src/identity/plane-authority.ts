/** Follows the authorities that the plane has in force: the plane names their version, and what it means is read and taken over. */
import type { FederatedTrust, TrustBundle } from "@heddle/client";
import type { AgentLog } from "../log.ts";
import type { Issuer } from "./issuer.ts";

/** Milliseconds between tries, the first and the longest. */
const RETRY = { first: 250, longest: 30_000 };

export interface PlaneAuthority {
  /** The plane says that this version is in force. */
  changed(version: string): void;
  /** The one that is in force here; undefined before the first was followed. */
  version(): string | undefined;
  /** Whether the plane has ever named one: an older plane does not know what to do with answers. */
  asked(): boolean;
  close(): void;
}

export interface PlaneAuthorityParts {
  readonly read: () => Promise<TrustBundle>;
  readonly issuer: Pick<Issuer, "follow">;
  /** Whom the mesh federates with from now on. */
  readonly federated: (federations: readonly FederatedTrust[]) => void;
  /** Identities that have no certificate from now on. */
  readonly revoked: (spiffeIds: readonly string[]) => void;
  /** Connections from before this revocation are to end. */
  readonly sever: (revocation: string) => void;
  /** Another version is in force here. */
  readonly followed: () => void;
  readonly log: AgentLog;
}

export function followAuthority({
  read,
  issuer,
  federated,
  revoked,
  sever,
  followed,
  log,
}: PlaneAuthorityParts): PlaneAuthority {
  let wanted: string | undefined;
  let inForce: string | undefined;
  let running = false;
  let closed = false;
  let wait = RETRY.first;
  let timer: NodeJS.Timeout | undefined;

  const run = async (): Promise<void> => {
    if (running || closed || wanted === inForce) return;
    running = true;
    clearTimeout(timer);
    try {
      const trust = await read();
      // An older plane revokes nobody.
      revoked(trust.revoked ?? []);
      // An older plane knows of no others.
      federated(trust.federations ?? []);
      await issuer.follow?.(trust);
      if (trust.revocation !== undefined) sever(trust.revocation);
      // Where the plane has gone on meanwhile it has said so, or will.
      if (inForce !== trust.version)
        log.info("another authority is in force", { issuer: trust.issuer, version: trust.version });
      inForce = trust.version;
      wanted = trust.version;
      wait = RETRY.first;
      followed();
    } catch (error) {
      if (closed) return;
      log.warn("HDL7300: the plane's authority could not be followed yet", {
        error: String(error),
      });
      timer = setTimeout(() => void run(), wait * (0.5 + Math.random() / 2));
      timer.unref();
      wait = Math.min(wait * 2, RETRY.longest);
    } finally {
      running = false;
    }
  };
  return {
    changed(version) {
      wanted = version;
      if (wanted === inForce) followed();
      void run();
    },
    version: () => inForce,
    asked: () => wanted !== undefined,
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}
