/** Schema of RateLimit: every field of heddle.dev/v1. */
import { z } from "zod";
import type { Limit, LimitKey, LimitMatch, RateLimit } from "../kinds/rate-limit.ts";
import { workloadSelector } from "./destination.ts";
import { bool, duration, fields, oneOf, optional, text, uint32 } from "./fields.ts";
import { stringOrPresentMatch, stringMatch } from "./string-match.ts";

const match: z.ZodType<LimitMatch> = fields({
  path: optional(stringMatch),
  method: optional(stringMatch),
  authority: optional(stringMatch),
  headers: optional(z.record(z.string(), stringOrPresentMatch)),
  route: optional(text),
});

const key: z.ZodType<LimitKey> = fields({
  header: optional(text),
  queryParameter: optional(text),
  source: optional(z.enum(["ADDRESS", "PRINCIPAL"])),
  claim: optional(text),
}).check(oneOf(["header", "queryParameter", "source", "claim"], { required: true }));

const limit: z.ZodType<Limit> = fields({
  name: optional(text),
  match: optional(match),
  by: optional(z.array(key)),
  requests: uint32,
  per: duration,
  scope: optional(z.enum(["LOCAL", "GLOBAL"])),
  burst: optional(uint32),
  shadow: optional(bool),
});

export const rateLimitSchema: z.ZodType<RateLimit> = fields({
  selector: optional(workloadSelector),
  limits: z.array(limit),
  onFailure: optional(z.enum(["ALLOW", "DENY"])),
});
