/** Finds the object to blame for a refused resource by putting suspects back to what they were, one after the other. */
import type { MeshObject } from "@heddle/model";
import type { Change, Effect } from "@heddle/translate";
import type { ProxyStatus, ResourceType, Standing } from "../xds/index.ts";
import type { Holds } from "./holds.ts";
import { changedLately, type Ranked, rankSuspects } from "./suspects.ts";

/** A resource that one proxy refused. */
export interface RefusedResource {
  /** The node's id. */
  readonly id: string;
  /** `pod.namespace`. */
  readonly proxy: string;
  readonly type: ResourceType;
  readonly resource: string;
  readonly reason: string;
}

export interface Finding {
  /** Keys of the objects to blame, or of those that may be. */
  readonly objects: readonly string[];
  /** Those that were put back to what they were. */
  readonly held: readonly string[];
}

export interface FinderParts {
  readonly holds: Holds;
  /** Keys of the objects that a proxy's resource was made from. */
  readonly origins: (id: string, type: ResourceType, resource: string) => readonly string[];
  readonly effectOf: (key: string) => readonly Effect[];
  readonly standing: (id: string, type: ResourceType, resource: string) => Standing;
  readonly status: () => readonly ProxyStatus[];
  readonly apply: (changes: readonly Change[]) => void;
  /** Resolves when every view is in step with what was applied. */
  readonly settled: () => Promise<void>;
}

/** Suspects tried for one resource: each costs the proxies that hold it an update. */
const MOST_TRIES = 16;
/** How long a proxy may take to answer, and how often it is looked at, milliseconds. */
const ANSWER_WITHIN = 3_000;
const LOOK_EVERY = 20;
/** Other proxies that were sent the same are waited for this long before they are counted, milliseconds. */
const OTHERS_WITHIN = 500;
/** Named where it cannot be told which of many it is. */
const MOST_NAMED = 5;

export function createCulpritFinder(parts: FinderParts) {
  const { holds, origins, effectOf, standing, status, apply, settled } = parts;

  /** Puts back what has to be for the proxy to take the resource; undefined where it does already. */
  async function find(refused: RefusedResource): Promise<Finding | undefined> {
    const { id, type, resource, reason } = refused;
    await settled();
    if ((await answerOf(refused)) !== "refused") return undefined;
    const ranked = rankSuspects(
      origins(id, type, resource).map((key) => ({
        key,
        object: holds.wanted(key) as MeshObject<unknown> | null,
        unproven: holds.unproven(key),
      })),
      reason,
    );
    const held: string[] = [];
    let message = reason;
    for (const suspect of ranked.slice(0, MOST_TRIES)) {
      if (!(await mayBeHeld(suspect, ranked.length === 1))) continue;
      const change = holds.hold(suspect.key);
      if (!change) continue;
      apply([change]);
      await settled();
      if ((await answerOf(refused)) !== "refused") {
        held.push(suspect.key);
        return { objects: held, held };
      }
      const now = reasonAt(refused);
      if (now !== undefined && now !== message) {
        // Another complaint: this one is mended, and there is more.
        held.push(suspect.key);
        message = now;
        continue;
      }
      const back = holds.release(suspect.key);
      if (back) apply([back]);
      await settled();
    }
    return { objects: held.length > 0 ? held : likely(ranked), held };
  }

  /** Nobody is to lose what one proxy alone cannot read: an object that some proxy took is never put back. */
  async function mayBeHeld(suspect: Ranked, alone: boolean): Promise<boolean> {
    if (!changedLately(suspect) && suspect.named === 0 && !alone) return false;
    const effect = effectOf(suspect.key);
    const deadline = performance.now() + OTHERS_WITHIN;
    for (;;) {
      const standings = effect.map(({ proxy, resources }) =>
        resources.map(({ type, name }) => standing(proxy.id, type, name)),
      );
      const waiting = standings.some((each) => each.includes("waiting"));
      if (waiting && performance.now() < deadline) {
        await sleep(LOOK_EVERY);
        continue;
      }
      return standings.every((each) => each.includes("refused") || !each.includes("accepted"));
    }
  }

  async function answerOf({ id, type, resource }: RefusedResource): Promise<Standing> {
    const deadline = performance.now() + ANSWER_WITHIN;
    // What was applied is on its way to the stream when views have settled; it is written a turn later.
    await sleep(0);
    for (;;) {
      const now = standing(id, type, resource);
      if (now !== "waiting" || performance.now() >= deadline) return now;
      await sleep(LOOK_EVERY);
    }
  }

  function reasonAt({ id, type, resource }: RefusedResource): string | undefined {
    const proxy = status().findLast((each) => each.id === id);
    return proxy?.types[type]?.refusals?.find((each) => each.resource === resource)?.reason;
  }

  return { find };
}

function likely(ranked: readonly Ranked[]): string[] {
  const named = ranked.filter((each) => each.named > 0);
  const recent = ranked.filter(changedLately);
  const chosen = named.length > 0 ? named : recent.length > 0 ? recent : ranked;
  return chosen.slice(0, MOST_NAMED).map(({ key }) => key);
}

const sleep = (milliseconds: number) =>
  new Promise<void>((resolve) => setTimeout(resolve, milliseconds));
