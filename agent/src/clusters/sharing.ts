/** Tells the plane what this cluster shares: while the plane asks for it, and then what changes. */
import {
  type AgentFrame,
  partsOf,
  type SharedItem,
  type SharingFrame,
  wholeInParts,
} from "@heddle/sync";
import type { AgentLog } from "../log.ts";
import type { OwnItems } from "./own-items.ts";

/** Changes of a burst are told together, milliseconds; the first one at once. */
const GATHER = 100;
/** Keys of items that are gone in one frame. */
const REMOVED_A_PART = 100;

export interface SharingOfOwn {
  /** Another cluster shares the mesh, or none does any more. */
  asked(frame: Extract<SharingFrame, { type: "share" }>): void;
  /** The cluster may have changed. */
  changed(): void;
  /** The link is gone: whoever comes next asks anew. */
  lost(): void;
  /** Items that others are told of; undefined while nobody asks. */
  shared(): number | undefined;
  close(): void;
}

export function createSharing(
  own: OwnItems,
  send: (frame: AgentFrame) => void,
  log: AgentLog,
): SharingOfOwn {
  /** What the plane has; undefined: it does not ask. */
  let told: { version: string | undefined } | undefined;
  let timer: NodeJS.Timeout | undefined;
  let last = Number.NEGATIVE_INFINITY;
  let complained = 0;

  const tell = () => {
    timer = undefined;
    if (!told) return;
    last = performance.now();
    const changes = own.refresh();
    const version = own.version();
    complain();
    if (version === told.version) return;
    const frames =
      told.version === undefined ? whole(own, version) : update(changes, told.version, version);
    told = { version };
    for (const frame of frames) send(frame);
  };
  const complain = () => {
    const count = own.leftOut();
    if (count > 0 && complained === 0)
      log.warn("HDL7017: this cluster has more services than it can share; the rest is its own", {
        leftOut: count,
      });
    complained = count;
  };
  const soon = () => {
    timer ??= setTimeout(tell, Math.max(0, GATHER - (performance.now() - last)));
  };
  return {
    asked({ on, version }) {
      if (!on) {
        told = undefined;
        return;
      }
      // Up to date first: what the plane has is compared with what there is now, not with what has changed since.
      own.refresh();
      told = { version: version === own.version() ? version : undefined };
      if (told.version === undefined) soon();
    },
    changed() {
      if (told) soon();
    },
    lost() {
      told = undefined;
    },
    shared: () => (told ? own.all().length : undefined),
    close: () => clearTimeout(timer),
  };
}

function whole(own: OwnItems, version: string): AgentFrame[] {
  return wholeInParts(own.all(), version).map((part) => ({ type: "shared", ...part }));
}

function update(
  changes: ReadonlyMap<string, SharedItem | undefined>,
  from: string,
  version: string,
): AgentFrame[] {
  const upserted = [...changes.values()].filter((item) => item !== undefined);
  const removed = [...changes].flatMap(([key, item]) => (item === undefined ? [key] : []));
  const parts: { upserted: SharedItem[]; removed: string[] }[] = partsOf(upserted).map((items) => ({
    ...{ upserted: items, removed: [] },
  }));
  for (let start = 0; start < removed.length; start += REMOVED_A_PART)
    parts.push({ upserted: [], removed: removed.slice(start, start + REMOVED_A_PART) });
  if (parts.length === 0) parts.push({ upserted: [], removed: [] });
  return parts.map((content, part) => {
    const of = { from, version, part, parts: parts.length };
    return { type: "shared", ...of, ...content };
  });
}
