/** Schema of WorkloadGroup: every field of networking.istio.io/v1, v1beta1 and v1alpha3. */
import { z } from "zod";
import type { WorkloadGroup } from "../kinds/workload-group.ts";
import { fields, natural, oneOf, optional, text, textMap, uint32 } from "./fields.ts";
import { workloadEntrySchema } from "./workload-entry.ts";

const probe = fields({
  initialDelaySeconds: optional(natural),
  timeoutSeconds: optional(natural),
  periodSeconds: optional(natural),
  successThreshold: optional(natural),
  failureThreshold: optional(natural),
  httpGet: optional(
    fields({
      path: optional(text),
      port: uint32,
      host: optional(text),
      scheme: optional(z.enum(["", "HTTP", "HTTPS"])),
      httpHeaders: optional(z.array(fields({ name: optional(text), value: optional(text) }))),
    }),
  ),
  tcpSocket: optional(fields({ host: optional(text), port: uint32 })),
  exec: optional(fields({ command: z.array(text.min(1)) })),
  grpc: optional(fields({ port: optional(uint32), service: optional(text) })),
}).check(oneOf(["httpGet", "tcpSocket", "exec", "grpc"], { required: false }));

export const workloadGroupSchema: z.ZodType<WorkloadGroup> = fields({
  metadata: optional(fields({ labels: optional(textMap), annotations: optional(textMap) })),
  template: workloadEntrySchema,
  probe: optional(probe),
});
