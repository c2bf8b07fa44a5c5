/** Cohorts and overlays: how a staged change, a canary or an experiment is told without editing anybody's object. */

import { z } from "zod";

/** Which of an object's two values a proxy reads while a change is staged. */
export const cohortSchema = z.enum(["stable", "candidate"]);
export type Cohort = z.infer<typeof cohortSchema>;

/** Kubernetes names and our own ids; `@` and NUL are kept for state keys. */
const idSchema = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[^@\0\s]+$/);

export const overlaySchema = z.strictObject({
  id: idSchema,
  /** Key of the object whose meaning it changes. */
  target: z.string().min(1).max(1024),
  /** Who published it: `canary/ns/name`, `chaos/…`, `rollout/…`. */
  source: z.string().min(1).max(300),
  /** Which proxies see it; an absent member does not narrow. */
  scope: z.strictObject({
    cohort: cohortSchema.optional(),
    namespaces: z.array(z.string()).optional(),
    labels: z.record(z.string(), z.string()).optional(),
  }),
  /** JSON merge patch (RFC 7396) on the target's document. */
  patch: z.record(z.string(), z.unknown()),
  /** When an agent drops it by itself, even when the plane is away; RFC 3339 in UTC. */
  expiresAt: z.iso.datetime(),
});
export type Overlay = z.infer<typeof overlaySchema>;

/** The overlays still in force at a time (milliseconds since the epoch), in the order they apply: by id. */
export function overlaysInForce(overlays: Iterable<Overlay>, now: number): Overlay[] {
  return [...overlays]
    .filter((overlay) => Date.parse(overlay.expiresAt) > now)
    .toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

/** When the next overlay expires, in milliseconds since the epoch; undefined when none will. */
export function nextExpiry(overlays: Iterable<Overlay>, now: number): number | undefined {
  let next: number | undefined;
  for (const overlay of overlays) {
    const at = Date.parse(overlay.expiresAt);
    if (at > now && (next === undefined || at < next)) next = at;
  }
  return next;
}

/** JSON merge patch, RFC 7396: null deletes a member, objects merge, everything else replaces. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const merged: Record<string, unknown> = isObject(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name];
    else
      Object.defineProperty(merged, name, {
        value: mergePatch(merged[name], value),
        enumerable: true,
        writable: true,
        configurable: true,
      });
  }
  return merged;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
