/** Schemas of what strings are matched by. */
import type { z } from "zod";
import type { PresentMatch, StringMatch } from "../kinds/virtual-service.ts";
import { fields, oneOf, optional, text } from "./fields.ts";

const MATCHES = ["exact", "prefix", "regex"] as const;
const match = fields({ exact: optional(text), prefix: optional(text), regex: optional(text) });

// The checks make the unions true, which the schemas themselves cannot say.
export const stringMatch = match.check(
  oneOf(MATCHES, { required: true }),
) as unknown as z.ZodType<StringMatch>;

export const stringOrPresentMatch = match.check(
  oneOf(MATCHES, { required: false }),
) as unknown as z.ZodType<StringMatch | PresentMatch>;
