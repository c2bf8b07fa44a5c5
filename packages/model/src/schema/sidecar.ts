/** Schema of Sidecar: every field of networking.istio.io/v1, v1beta1 and v1alpha3. */
import { z } from "zod";
import type { Sidecar, SidecarPort } from "../kinds/sidecar.ts";
import { connectionPool } from "./destination-rule.ts";
import { destination, workloadLabels } from "./destination.ts";
import { fields, optional, text, texts, uint32 } from "./fields.ts";
import { serverTls } from "./gateway.ts";

const port: z.ZodType<SidecarPort> = fields({
  number: optional(uint32),
  protocol: optional(text),
  name: optional(text),
  targetPort: optional(uint32),
});
const captureMode = optional(z.enum(["DEFAULT", "IPTABLES", "NONE"]));

export const sidecarSchema: z.ZodType<Sidecar> = fields({
  workloadSelector: optional(workloadLabels),
  ingress: optional(
    z.array(
      fields({
        port,
        bind: optional(text),
        captureMode,
        defaultEndpoint: optional(text),
        tls: optional(serverTls),
        connectionPool: optional(connectionPool),
      }),
    ),
  ),
  egress: optional(
    z.array(
      fields({
        port: optional(port),
        bind: optional(text),
        captureMode,
        hosts: texts,
      }),
    ),
  ),
  inboundConnectionPool: optional(connectionPool),
  outboundTrafficPolicy: optional(
    fields({
      mode: optional(z.enum(["REGISTRY_ONLY", "ALLOW_ANY"])),
      egressProxy: optional(destination),
    }),
  ),
});
