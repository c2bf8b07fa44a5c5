/** Cohorts and overlays: how a staged change, a canary or an experiment is told without editing anybody's object. */

import { z } from "zod";

/** Which of an object's two values a proxy reads while a change is staged. */
export const cohortSchema = z.enum(["stable", "candidate"]);
export type Cohort = z.infer<typeof cohortSchema>;

/** `@` and NUL are kept for state keys. */
const nameSchema = z
  .string()
  .min(1)
  .max(300)
  .regex(/^[^@\0\s]+$/);

export const overlaySchema = z.strictObject({
  /** Who made it, for instance `canary/shop/reviews`; an overlay with the same name takes its place. */
  name: nameSchema,
  /** Which proxies read the mesh through it. */
  scope: z.discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("everyone") }),
    z.strictObject({ kind: z.literal("candidates") }),
    z.strictObject({
      kind: z.literal("workloads"),
      namespace: z.string(),
      labels: z.record(z.string(), z.string()),
    }),
  ]),
  /** From then on nobody reads it, also where the plane is away; RFC 3339 in UTC. */
  expiresAt: z.iso.datetime(),
  /** Values that stand for the objects' own while the overlay is in force; null takes the object away. */
  changes: z.array(
    z.strictObject({
      key: z.string().min(1).max(1024),
      object: z.record(z.string(), z.unknown()).nullable(),
    }),
  ),
});
export type Overlay = z.infer<typeof overlaySchema>;

/** The overlays still in force at a time (milliseconds since 1970), in the order in which they apply: by name. */
export function overlaysInForce(overlays: Iterable<Overlay>, now: number): Overlay[] {
  return [...overlays]
    .filter((overlay) => Date.parse(overlay.expiresAt) > now)
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** When the next overlay expires, milliseconds since 1970; undefined when none will. */
export function nextExpiry(overlays: Iterable<Overlay>, now: number): number | undefined {
  let next: number | undefined;
  for (const overlay of overlays) {
    const at = Date.parse(overlay.expiresAt);
    if (at > now && (next === undefined || at < next)) next = at;
  }
  return next;
}
