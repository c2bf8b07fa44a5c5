/** Log lines as they arrive, to everybody who follows them; a slow follower loses lines and is told how many. */

import type { LogEntry } from "@heddle/telemetry";
import type { TelemetryScope } from "../telemetry-store.ts";

/** Lines that one follower is given in a second: more than a person can read, little enough for a browser. */
export const linesPerSecond = 200;

export interface LogTail {
  publish(scope: TelemetryScope, logs: readonly LogEntry[]): void;
  /** `onLines` gets lines that pass, and how many more had passed but were left out. Returns the function that ends it. */
  follow(
    scope: TelemetryScope,
    passes: (entry: LogEntry) => boolean,
    onLines: (lines: LogEntry[], skipped: number) => void,
  ): () => void;
}

interface Follower {
  passes: (entry: LogEntry) => boolean;
  onLines: (lines: LogEntry[], skipped: number) => void;
  second: number;
  left: number;
}

export function createLogTail(clock: () => number): LogTail {
  const followers = new Map<string, Set<Follower>>();
  return {
    publish(scope, logs) {
      for (const follower of followers.get(keyOf(scope)) ?? []) {
        const second = Math.floor(clock() / 1000);
        if (second !== follower.second) Object.assign(follower, { second, left: linesPerSecond });
        const passing = logs.filter(follower.passes);
        if (passing.length === 0) continue;
        const lines = passing.slice(0, follower.left);
        follower.left -= lines.length;
        follower.onLines(lines, passing.length - lines.length);
      }
    },
    follow(scope, passes, onLines) {
      const key = keyOf(scope);
      const follower: Follower = { passes, onLines, second: 0, left: linesPerSecond };
      const own = followers.get(key) ?? new Set();
      followers.set(key, own.add(follower));
      return () => {
        own.delete(follower);
        if (own.size === 0 && followers.get(key) === own) followers.delete(key);
      };
    },
  };
}

function keyOf(scope: TelemetryScope): string {
  return JSON.stringify([scope.tenant, scope.mesh]);
}
