/** Schema of RequestValidation: every field of heddle.dev/v1. */
import { z } from "zod";
import type {
  OpenApiValidation,
  PathNormalization,
  RequestLimits,
  RequestValidation,
  ValidationMatch,
  ValidationRule,
} from "../kinds/request-validation.ts";
import { bool, duration, fields, optional, text, texts, uint32 } from "./fields.ts";
import { policyTargets } from "./policy-target.ts";
import { stringMatch } from "./string-match.ts";

const paths: z.ZodType<PathNormalization> = fields({
  mergeSlashes: optional(bool),
  escapedSlashes: optional(z.enum(["KEEP", "DECODE", "REDIRECT", "REFUSE"])),
});

const limits: z.ZodType<RequestLimits> = fields({
  headers: optional(uint32),
  headerBytes: optional(uint32),
  urlBytes: optional(uint32),
  bodyBytes: optional(uint32),
});

const match: z.ZodType<ValidationMatch> = fields({
  path: optional(stringMatch),
  method: optional(stringMatch),
  route: optional(text),
});

const rule: z.ZodType<ValidationRule> = fields({
  name: optional(text),
  match: optional(match),
  methods: optional(texts),
  contentTypes: optional(texts),
  maxBodyBytes: optional(uint32),
});

const openapi: z.ZodType<OpenApiValidation> = fields({
  document: text,
  maxBodyBytes: optional(uint32),
  timeout: optional(duration),
  onFailure: optional(z.enum(["ALLOW", "DENY"])),
});

export const requestValidationSchema: z.ZodType<RequestValidation> = fields({
  ...policyTargets,
  mode: optional(z.enum(["ENFORCE", "REPORT"])),
  paths: optional(paths),
  limits: optional(limits),
  rules: optional(z.array(rule)),
  openapi: optional(openapi),
});
