/** Schema of Telemetry: every field of telemetry.istio.io/v1 and v1alpha1. */
import { z } from "zod";
import type { Telemetry } from "../kinds/telemetry.ts";
import { bool, duration, fields, oneOf, optional, text } from "./fields.ts";
import { policyTarget } from "./policy-target.ts";

const mode = optional(z.enum(["CLIENT_AND_SERVER", "CLIENT", "SERVER"]));
const match = optional(fields({ mode }));
const some = text.min(1);
const providers = optional(z.array(fields({ name: some })));

const TAGS = ["literal", "environment", "header", "formatter"] as const;
const customTag = fields({
  literal: optional(fields({ value: some })),
  environment: optional(fields({ name: some, defaultValue: optional(text) })),
  header: optional(fields({ name: some, defaultValue: optional(text) })),
  formatter: optional(fields({ value: some })),
}).check(oneOf(TAGS, { required: false }));

const tracing = fields({
  match,
  providers,
  randomSamplingPercentage: optional(z.number().min(0).max(100)),
  disableSpanReporting: optional(bool),
  disableContextPropagation: optional(bool),
  customTags: optional(z.record(z.string(), customTag)),
  useRequestIdForTraceSampling: optional(bool),
  enableIstioTags: optional(bool),
});

const metricSelector = fields({
  metric: optional(
    z.enum([
      "ALL_METRICS",
      "REQUEST_COUNT",
      "REQUEST_DURATION",
      "REQUEST_SIZE",
      "RESPONSE_SIZE",
      "TCP_OPENED_CONNECTIONS",
      "TCP_CLOSED_CONNECTIONS",
      "TCP_SENT_BYTES",
      "TCP_RECEIVED_BYTES",
      "GRPC_REQUEST_MESSAGES",
      "GRPC_RESPONSE_MESSAGES",
    ]),
  ),
  customMetric: optional(some),
  mode,
}).check(oneOf(["metric", "customMetric"], { required: false }));

const metrics = fields({
  providers,
  overrides: optional(
    z.array(
      fields({
        match: optional(metricSelector),
        disabled: optional(bool),
        tagOverrides: optional(
          z.record(
            z.string(),
            fields({ operation: optional(z.enum(["UPSERT", "REMOVE"])), value: optional(text) }),
          ),
        ),
      }),
    ),
  ),
  reportingInterval: optional(duration),
});

export const telemetrySchema: z.ZodType<Telemetry> = fields({
  ...policyTarget,
  tracing: optional(z.array(tracing)),
  metrics: optional(z.array(metrics)),
  accessLogging: optional(
    z.array(
      fields({
        match,
        providers,
        disabled: optional(bool),
        filter: optional(fields({ expression: optional(text) })),
      }),
    ),
  ),
});
