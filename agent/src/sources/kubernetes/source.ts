/** A cluster as a source of objects: every kind that the mesh reads is followed, and what changes is given on in batches. */
import type { Diagnostic } from "@heddle/model";
import type { AgentLog } from "../../log.ts";
import type { OwnedObject } from "../merge.ts";
import type { ApiAccess } from "../../kubernetes/access.ts";
import { createApiServer } from "./api.ts";
import { type Discovered, strangeVersions } from "./discovery.ts";
import { watchKinds } from "./kinds-there.ts";
import { createClusterObjects } from "./objects.ts";
import type { ObservedObject } from "./observed.ts";
import { type Reflector, type ReflectorState, startReflector } from "./reflector.ts";
import { createTroubles } from "./troubles.ts";
import { DEFINITIONS, pathOf, resourceName, type WatchedKind, watchedKinds } from "./watched.ts";

/** Changes of a burst are taken together, milliseconds. */
const GATHER = 15;
/** Whether the first reading is over is asked so often, milliseconds: it may end by mere waiting. */
const ASK_SYNCED = 500;
/** A kind that is refused again so long after another was given, milliseconds, does not hold up the first reading any more. */
const PATIENCE = { forbidden: 1_000, failing: 15_000 };

export interface KubernetesUpdate {
  readonly changes: ReadonlyMap<string, OwnedObject | undefined>;
  readonly diagnostics: readonly Diagnostic[];
}

export interface KubernetesSource {
  /** Everything that can be read was read once and given on. */
  readonly synced: Promise<void>;
  /** What the first reading still waits for; empty after it. */
  waiting(): string[];
  /** Kinds that are followed, and of them those that are not at the moment. */
  status(): { readonly kinds: number; readonly failing: readonly string[] };
  close(): Promise<void>;
}

/**
 * Follows the cluster. The first `update` comes when all of it was read, later ones as it changes. Kinds that the cluster
 * does not have are waited for; one that may not be read is told of and does not hold up the others. Outages are waited out:
 * what was read last stays. `observed` is given statuses, by key, after the `update` with the objects that they are of;
 * undefined: gone.
 */
export function startKubernetesSource(
  access: ApiAccess,
  update: (update: KubernetesUpdate) => void,
  log: AgentLog,
  observed: (seen: ReadonlyMap<string, ObservedObject | undefined>) => void = () => {},
): KubernetesSource {
  const api = createApiServer(access);
  const followed = new Map<WatchedKind, { version: string; reflector: Reflector }>();
  const ending = new Set<Promise<void>>();
  let discovered: Discovered | undefined;
  let ready: number | undefined;
  let isSynced = false;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  const { promise: synced, resolve: finish } = Promise.withResolvers<void>();

  /** There is more to give on than statuses. */
  let isNews = false;
  const soon = () => {
    if (!closed) timer ??= setTimeout(flush, GATHER);
  };
  const changed = () => {
    isNews = true;
    soon();
  };
  const objects = createClusterObjects(changed, soon, log);
  const troubles = createTroubles(api.address, log);

  const follow = (kind: WatchedKind, version: string) => {
    const { fieldSelector, metadataOnly = false } = kind;
    const target = kind === DEFINITIONS ? there.definitions : objects.target(kind, version);
    const reflector = startReflector({
      ...{ api, target, metadataOnly, path: pathOf(kind, version) },
      ...(fieldSelector === undefined ? {} : { query: { fieldSelector } }),
      changed() {
        const status = reflector.state().failure?.status;
        // Not found: it was there, so it is asked again what is.
        if (status === 404) there.look();
        if (status === 410)
          log.info("a place in a watch has expired; all is listed again", { kind: kind.kind });
        changed();
      },
    });
    followed.set(kind, { version, reflector });
  };
  const unfollow = (kind: WatchedKind) => {
    const closing = followed.get(kind)?.reflector.close();
    followed.delete(kind);
    if (!closing) return;
    ending.add(closing);
    void closing.then(() => ending.delete(closing));
  };
  const found = (now: Discovered) => {
    for (const [kind, { version }] of followed) {
      if (kind.builtIn || now.served.get(kind) === version) continue;
      unfollow(kind);
      if (!now.served.has(kind)) objects.drop(kind);
    }
    for (const [kind, version] of now.served) if (!followed.has(kind)) follow(kind, version);
    discovered = now;
    changed();
  };
  const there = watchKinds(
    api,
    watchedKinds.filter(({ builtIn }) => !builtIn),
    found,
    changed,
  );
  for (const kind of [...watchedKinds.filter(({ builtIn }) => builtIn), DEFINITIONS])
    follow(kind, kind.versions[0] ?? "v1");

  /** Kinds without which the picture is not whole, and which may still come. */
  const waiting = (): string[] => {
    if (isSynced) return [];
    const states = [...followed].map(([kind, { reflector }]) => ({
      kind,
      ...reflector.state(),
    }));
    if (states.some(({ listed }) => listed)) ready ??= performance.now();
    const open = states
      .filter(({ kind, listed }) => kind !== DEFINITIONS && !listed)
      .filter((state) => !isHopeless(state, ready))
      .map(({ kind, failure }) =>
        failure ? `${resourceName(kind)}: ${failure.message}` : resourceName(kind),
      );
    const kinds = there.failure();
    return discovered ? open : [kinds ? `the kinds that it has: ${kinds.message}` : "", ...open];
  };
  function flush() {
    timer = undefined;
    const isWhole = isNews || !isSynced;
    isNews = false;
    if (isWhole && !giveOn()) return;
    const seen = objects.takeObserved();
    if (seen.size > 0) observed(seen);
  }
  /** False as long as not all was read. */
  function giveOn(): boolean {
    const problems = troubles.look(
      [...followed].map(([kind, { reflector }]) => [kind, reflector.state()] as const),
      (discovered?.strange ?? []).map((each) => [each.kind, strangeVersions(each)] as const),
    );
    if (!isSynced) {
      if (waiting().length > 0) return false;
      isSynced = true;
      clearInterval(asking);
      log.info("the cluster was read", { server: api.address, objects: objects.size });
    }
    update({ changes: objects.take(), diagnostics: [...problems, ...objects.diagnostics()] });
    finish();
    return true;
  }
  const asking = setInterval(changed, ASK_SYNCED);

  return {
    synced,
    waiting: () => waiting().filter((text) => text !== ""),
    status: () => ({
      kinds: followed.size,
      failing: [...followed]
        .filter(([, { reflector }]) => reflector.state().failure !== undefined)
        .map(([kind]) => resourceName(kind)),
    }),
    async close() {
      closed = true;
      clearTimeout(timer);
      clearInterval(asking);
      await Promise.all([
        there.close(),
        ...[...followed.values()].map(({ reflector }) => reflector.close()),
        ...ending,
      ]);
    },
  };
}

/** What the server gives to others and refuses for one kind, it will go on to refuse for a while. A server that starts refuses all at first. */
function isHopeless({ failure, failedAt }: ReflectorState, ready: number | undefined): boolean {
  if (failure?.status === undefined || ready === undefined) return false;
  return failedAt - ready >= (failure.status === 403 ? PATIENCE.forbidden : PATIENCE.failing);
}
