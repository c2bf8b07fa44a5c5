/** Schema of Fallback: every field of heddle.dev/v1. */
import { z } from "zod";
import type { Fallback } from "../kinds/fallback.ts";
import { destination } from "./destination.ts";
import { duration, fields, optional, text, textMap, texts, uint32 } from "./fields.ts";

export const fallbackSchema: z.ZodType<Fallback> = fields({
  host: text,
  subset: optional(text),
  routes: optional(texts),
  after: optional(duration),
  statuses: optional(z.array(uint32)),
  destination: optional(destination),
  response: optional(fields({ status: uint32, body: optional(text), headers: optional(textMap) })),
});
