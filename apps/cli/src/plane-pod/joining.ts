/** Keeps a token in a Secret with which an agent can join: one that was used, or ends soon, is replaced. */
import type { HeddleClient } from "@heddle/client";
import { setTimeout as sleep } from "node:timers/promises";
import type { PodSecret } from "./pod-secret.ts";

/** An agent that is installed anew finds a new token after so long, milliseconds. */
const LOOK_EVERY = 10_000;
/** How long a token is good, seconds, and when it is replaced although nobody has used it, milliseconds before its end. */
const GOOD_FOR = 24 * 3600;
const REPLACED_BEFORE = 12 * 3_600_000;

export interface Joining {
  readonly client: Pick<HeddleClient, "createJoinToken">;
  /** Whether somebody can still join with the token at that time, milliseconds since 1970. */
  readonly canJoin: (token: string, at: number) => Promise<boolean>;
  readonly mesh: string;
  readonly secret: PodSecret;
  /** Of the token in the Secret. */
  readonly key: string;
  readonly warn: (message: string) => void;
}

/** Resolves when a token is in the Secret, which then goes on to hold one that is good until the signal. Rejects with HDL9048. */
export async function keepJoinToken(joining: Joining, signal: AbortSignal): Promise<void> {
  await look(joining);
  void (async () => {
    for (;;) {
      await sleep(LOOK_EVERY, undefined, { signal });
      await look(joining).catch((error: unknown) => joining.warn(String(error)));
    }
  })().catch(() => {
    // The end.
  });
}

async function look({ client, canJoin, mesh, secret, key }: Joining): Promise<void> {
  const kept = (await secret.read())[key];
  if (kept !== undefined && (await canJoin(kept, Date.now() + REPLACED_BEFORE))) return;
  const { token } = await client.createJoinToken(mesh, {
    name: `Secret ${secret.name}`,
    expiresInSeconds: GOOD_FOR,
  });
  await secret.put(() => ({ [key]: token }));
}
