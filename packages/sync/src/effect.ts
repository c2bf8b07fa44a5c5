/** What an object has become at an agent's proxies: the answer to the command `effect`. */

import { z } from "zod";

/** Resources named for one group of proxies, proxies named in one group, groups, and refusals: an answer is one frame. */
export const MAX_EFFECT = { resources: 50, proxies: 50, groups: 20, refusals: 20 } as const;

const text = z.string().max(1024);
const count = z.int().min(0);

export const effectSchema = z.object({
  key: text,
  /** Who owns the object there; absent where there is none. */
  owner: z.enum(["hosted", "cluster"]).optional(),
  /** Where it was read, `file:line`. */
  source: text.optional(),
  /** The object itself where the cluster owns it: the plane has no copy of that. */
  document: z.record(z.string(), z.unknown()).optional(),
  /** What it was before is in force, because proxies refuse what it is. */
  held: z.boolean(),
  /** Proxies that have something of it. */
  proxies: count,
  /** Proxies that have the same of it, the largest groups first. */
  groups: z
    .array(
      z.object({
        resources: z.array(z.object({ type: z.string().max(64), name: text })),
        /** Number of all of them. */
        allResources: count,
        proxies: z.array(
          z.object({ name: text, state: z.enum(["accepted", "waiting", "refused"]) }),
        ),
        allProxies: count,
      }),
    )
    .max(MAX_EFFECT.groups),
  refusals: z
    .array(
      z.object({
        proxy: text,
        type: z.string().max(64),
        resource: text,
        reason: z.string().max(600),
      }),
    )
    .max(MAX_EFFECT.refusals),
});
/** What an object has become at one agent's proxies. */
export type Effect = z.infer<typeof effectSchema>;
