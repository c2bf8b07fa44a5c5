/** Schema of WorkloadEntry: every field of networking.istio.io/v1, v1beta1 and v1alpha3. */
import { z } from "zod";
import type { WorkloadEntry } from "../kinds/workload-entry.ts";
import { fields, optional, text, textMap, uint32 } from "./fields.ts";

export const workloadEntrySchema: z.ZodType<WorkloadEntry> = fields({
  address: optional(text.max(256)),
  ports: optional(z.record(text, uint32)),
  labels: optional(textMap),
  network: optional(text.max(2048)),
  locality: optional(text.max(2048)),
  weight: optional(uint32),
  serviceAccount: optional(text.max(253)),
});
