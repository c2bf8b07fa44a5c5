/** Schema of PeerAuthentication: every field of security.istio.io/v1 and v1beta1. */
import { z } from "zod";
import type { PeerAuthentication } from "../kinds/peer-authentication.ts";
import { workloadSelector } from "./destination.ts";
import { fields, optional } from "./fields.ts";

const mutualTls = fields({
  mode: optional(z.enum(["UNSET", "DISABLE", "PERMISSIVE", "STRICT"])),
});

export const peerAuthenticationSchema: z.ZodType<PeerAuthentication> = fields({
  selector: optional(workloadSelector),
  mtls: optional(mutualTls),
  portLevelMtls: optional(z.record(z.string(), mutualTls)),
});
