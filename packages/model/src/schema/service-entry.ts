/** Schema of ServiceEntry: every field of networking.istio.io/v1, v1beta1 and v1alpha3. */
import { z } from "zod";
import type { ServiceEntry } from "../kinds/service-entry.ts";
import { workloadLabels } from "./destination.ts";
import { fields, optional, text, texts, uint32 } from "./fields.ts";
import { workloadEntrySchema } from "./workload-entry.ts";

export const serviceEntrySchema: z.ZodType<ServiceEntry> = fields({
  hosts: z.array(text).max(256),
  addresses: optional(z.array(text.max(64)).max(256)),
  ports: optional(
    z
      .array(
        fields({
          number: uint32,
          name: text.max(256),
          protocol: optional(text.max(256)),
          targetPort: optional(uint32),
        }),
      )
      .max(256),
  ),
  location: optional(z.enum(["MESH_EXTERNAL", "MESH_INTERNAL"])),
  resolution: optional(z.enum(["NONE", "STATIC", "DNS", "DNS_ROUND_ROBIN", "DYNAMIC_DNS"])),
  endpoints: optional(z.array(workloadEntrySchema).max(4096)),
  workloadSelector: optional(workloadLabels),
  exportTo: optional(texts),
  subjectAltNames: optional(texts),
});
