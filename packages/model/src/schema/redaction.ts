/** Schema of Redaction: every field of heddle.dev/v1. */
import { z } from "zod";
import type { Redaction, RedactionRule } from "../kinds/redaction.ts";
import { workloadSelector } from "./destination.ts";
import { bool, fields, oneOf, optional, text, texts, uint32 } from "./fields.ts";

const detector = z.enum([
  "CREDENTIALS",
  "JWT",
  "PRIVATE_KEY",
  "ACCESS_KEY",
  "EMAIL",
  "CARD_NUMBER",
  "IBAN",
  "IP_ADDRESS",
]);

const rule: z.ZodType<RedactionRule> = fields({
  name: optional(text),
  where: optional(
    fields({
      signals: optional(z.array(z.enum(["LOGS", "TRACES"]))),
      attributes: optional(texts),
      queryParameters: optional(texts),
      body: optional(bool),
      path: optional(bool),
    }),
  ),
  what: optional(fields({ detectors: optional(z.array(detector)), regex: optional(text) })),
  how: optional(
    fields({
      mask: optional(text),
      keepLast: optional(uint32),
      hash: optional(bool),
      drop: optional(bool),
    }).check(oneOf(["mask", "keepLast", "hash", "drop"], { required: true })),
  ),
});

export const redactionSchema: z.ZodType<Redaction> = fields({
  selector: optional(workloadSelector),
  secrets: optional(z.enum(["REDACT", "PASS"])),
  rules: optional(z.array(rule)),
});
