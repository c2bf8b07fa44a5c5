/** Roots by which whoever connects to the agent verifies it. They travel in a ConfigMap, which takes its time to reach every pod. */
import { fingerprints } from "./roots.ts";

/** A kubelet looks at the ConfigMaps of its pods every minute, and may have read one just before that changed. Milliseconds. */
export const SPREADS_WITHIN = 150_000;

export interface KnownRoots {
  /** Fingerprints of those that have been in the bundle for long enough, in its order. */
  known(bundle: string | undefined): string[];
  close(): void;
}

/** `spreadsWithin`: milliseconds; 0 where nobody verifies the agent. Calls back when another one is known. */
export function createKnownRoots(spreadsWithin: number, onKnown: () => void): KnownRoots {
  /** By fingerprint, when it was first seen. */
  const since = new Map<string, number>();
  const timers = new Set<NodeJS.Timeout>();
  const see = (root: string) => {
    since.set(root, performance.now());
    if (spreadsWithin === 0) return;
    const timer = setTimeout(() => {
      timers.delete(timer);
      onKnown();
    }, spreadsWithin + 1);
    timer.unref();
    timers.add(timer);
  };
  return {
    known(bundle = "") {
      const roots = fingerprints(bundle);
      for (const root of since.keys()) if (!roots.includes(root)) since.delete(root);
      for (const root of roots) if (!since.has(root)) see(root);
      const now = performance.now();
      return roots.filter((root) => now - (since.get(root) ?? now) >= spreadsWithin);
    },
    close() {
      for (const timer of timers) clearTimeout(timer);
    },
  };
}
