/** Schema of MeshSettings. */
import { z } from "zod";
import type { MeshSettingsSpec } from "../kinds/mesh-settings.ts";
import { isDnsLabel, isDnsName, isLabelValue } from "../validate/names.ts";
import { extensionProvidersSchema } from "./extension-provider.ts";
import { bool, fields, optional } from "./fields.ts";

/** As SPIFFE has it (SPIFFE-ID, section 2.1). */
const TRUST_DOMAIN = /^[a-z0-9._-]{1,255}$/;
/** Each makes one more name of every identity that a proxy is told. */
const MOST_ALIASES = 20;

export const meshSettingsSchema: z.ZodType<MeshSettingsSpec> = fields({
  traceSampling: optional(z.number().min(0).max(100)),
  accessLog: optional(bool),
  outboundTrafficPolicy: optional(z.enum(["ALLOW_ANY", "REGISTRY_ONLY"])),
  rootNamespace: optional(
    z.string().refine(isDnsLabel, {
      error: (issue) => `${JSON.stringify(issue.input)} cannot name a namespace`,
      params: { code: "HDL0017" },
    }),
  ),
  clusterDomain: optional(
    z.string().refine(isDnsName, {
      error: (issue) => `${JSON.stringify(issue.input)} is not a domain`,
      params: { code: "HDL0017" },
    }),
  ),
  trustDomainAliases: optional(
    z
      .array(
        z.string().regex(TRUST_DOMAIN, {
          error: (issue) => `${JSON.stringify(issue.input)} is not a trust domain`,
        }),
      )
      .max(MOST_ALIASES),
  ),
  ingressClass: optional(
    z.string().refine(isDnsName, {
      error: (issue) => `${JSON.stringify(issue.input)} cannot name an IngressClass`,
      params: { code: "HDL0017" },
    }),
  ),
  ingressControllerMode: optional(z.enum(["OFF", "DEFAULT", "STRICT"])),
  ingressSelector: optional(
    z.string().refine(isLabelValue, {
      error: (issue) => `${JSON.stringify(issue.input)} cannot be the value of a label`,
      params: { code: "HDL0017" },
    }),
  ),
  ingressService: optional(
    z.string().refine(isDnsLabel, {
      error: (issue) => `${JSON.stringify(issue.input)} cannot name a Service`,
      params: { code: "HDL0017" },
    }),
  ),
  onDemand: optional(z.enum(["AUTO", "ALWAYS", "NEVER"])),
  extensionProviders: optional(extensionProvidersSchema),
});
