/** Schemas of what several kinds share: destinations, port selectors, workload selectors. */
import { z } from "zod";
import type {
  Destination,
  PortSelector,
  WorkloadLabels,
  WorkloadSelector,
} from "../kinds/destination.ts";
import { fields, optional, text, uint32 } from "./fields.ts";

export const portSelector: z.ZodType<PortSelector> = fields({ number: optional(uint32) });

export const destination: z.ZodType<Destination> = fields({
  host: text,
  subset: optional(text),
  port: optional(portSelector),
});

export const workloadSelector: z.ZodType<WorkloadSelector> = fields({
  matchLabels: optional(z.record(z.string(), z.string().max(63))),
});

/** What Istio takes at most, as it is written in the older kinds of networking.istio.io. */
export const workloadLabels: z.ZodType<WorkloadLabels> = fields({
  labels: optional(z.record(z.string(), z.string().max(63))),
});
