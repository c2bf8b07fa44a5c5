/** Schema of OverloadPolicy: every field of heddle.dev/v1. */
import { z } from "zod";
import type { OverloadPolicy } from "../kinds/overload-policy.ts";
import { workloadSelector } from "./destination.ts";
import { duration, fields, optional, uint32 } from "./fields.ts";

/** 0 to 100. */
const percentage = z.number().refine((value) => value >= 0 && value <= 100, {
  error: (issue) => `${String(issue.input)} is not between 0 and 100`,
  params: { code: "HDL0027", remedy: "Give a percentage between 0 and 100." },
});

export const overloadPolicySchema: z.ZodType<OverloadPolicy> = fields({
  selector: optional(workloadSelector),
  concurrency: optional(
    fields({
      max: optional(uint32),
      min: optional(uint32),
      percentile: optional(percentage),
      every: optional(duration),
      recalibrate: optional(duration),
    }),
  ),
  admission: optional(
    fields({
      successRate: optional(percentage),
      window: optional(duration),
      minimumRate: optional(uint32),
      maxRefused: optional(percentage),
      aggression: optional(z.number()),
    }),
  ),
});
