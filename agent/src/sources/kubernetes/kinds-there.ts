/** Keeps up with which kinds the cluster has: asks now and then, and when a definition comes or goes. */
import { setTimeout as sleep } from "node:timers/promises";
import { backoff } from "@heddle/sync";
import { ApiFailure } from "../../kubernetes/api-failure.ts";
import type { ApiServer } from "./api.ts";
import { type Discovered, discover } from "./discovery.ts";
import type { ReflectorTarget } from "./reflector.ts";
import type { WatchedKind } from "./watched.ts";

/** Between looks without a reason, milliseconds, and up to half as much again. */
const INTERVAL = 30_000;
/** A definition takes a moment to be in force: when it is looked again after one was seen, milliseconds each. */
const AFTER_A_HINT = [0, 250, 1_000, 3_000];
/** A kind that was there is gone when a server that is ready has not had it for so long, milliseconds: one that starts does not know it yet. */
const BELIEVED_GONE_AFTER = 5_000;

export interface KindsThere {
  /** Why the last look failed. */
  failure(): ApiFailure | undefined;
  /** Follows definitions: any change is a reason to look. */
  readonly definitions: ReflectorTarget;
  /** There is a reason to look. */
  look(): void;
  close(): Promise<void>;
}

/** Calls `found` after each look that came through, with kinds that are gone still in it until that is certain. */
export function watchKinds(
  api: ApiServer,
  kinds: readonly WatchedKind[],
  found: (discovered: Discovered) => void,
  failed: () => void,
  goneAfter: number = BELIEVED_GONE_AFTER,
): KindsThere {
  const closing = new AbortController();
  const { signal } = closing;
  let hurry = new AbortController();
  let hints: number[] = [];
  let failure: ApiFailure | undefined;
  const known = new Map<WatchedKind, { version: string; missedSince: number | undefined }>();

  const settle = async ({ served, strange }: Discovered): Promise<Discovered> => {
    for (const [kind, version] of served) known.set(kind, { version, missedSince: undefined });
    const missing = [...known].filter(([kind]) => !served.has(kind));
    if (missing.length > 0) {
      const isReady = await api.isReady(signal);
      const now = performance.now();
      for (const [kind, entry] of missing) {
        entry.missedSince = isReady ? (entry.missedSince ?? now) : undefined;
        if (now - (entry.missedSince ?? now) >= goneAfter) known.delete(kind);
        else if (!hints.includes(goneAfter)) hints.push(goneAfter);
      }
    }
    const still = [...known].map(([kind, { version }]) => [kind, version] as const);
    return { served: new Map(still), strange };
  };
  const wait = async (milliseconds: number) => {
    await sleep(milliseconds, undefined, { signal: AbortSignal.any([signal, hurry.signal]) }).catch(
      () => {},
    );
    if (hurry.signal.aborted) hurry = new AbortController();
  };
  const run = async () => {
    let attempts = 0;
    let worked = performance.now();
    while (!signal.aborted) {
      try {
        const discovered = await settle(await discover(api, kinds, signal));
        [attempts, worked, failure] = [0, performance.now(), undefined];
        found(discovered);
        await wait(hints.shift() ?? INTERVAL * (1 + Math.random() / 2));
      } catch (error) {
        if (signal.aborted) return;
        failure = ApiFailure.of(error);
        failed();
        const lasted = performance.now() - worked;
        const { refused } = failure;
        await wait(backoff({ attempts: attempts++, lasted, refused }, Math.random()));
      }
    }
  };
  const look = () => {
    hints = [...AFTER_A_HINT];
    hurry.abort();
  };
  const running = run();
  let versions = new Map<string, unknown>();
  const seen = (name: string, version: unknown) => {
    if (versions.get(name) === version) return;
    versions.set(name, version);
    look();
  };
  return {
    failure: () => failure,
    look,
    definitions: {
      put: ({ metadata: { name, resourceVersion } }) => seen(name, resourceVersion),
      remove: ({ metadata: { name } }) => seen(name, undefined),
      only(names) {
        const gone = [...versions.keys()].filter((name) => !names.has(`/${name}`));
        for (const name of gone) versions.delete(name);
        if (gone.length > 0) look();
      },
    },
    async close() {
      closing.abort();
      await running;
    },
  };
}
