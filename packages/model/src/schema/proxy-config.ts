/** Schema of ProxyConfig: every field of networking.istio.io/v1beta1. */
import { z } from "zod";
import type { ProxyConfig } from "../kinds/proxy-config.ts";
import { workloadSelector } from "./destination.ts";
import { fields, natural, optional, text } from "./fields.ts";

export const proxyConfigSchema: z.ZodType<ProxyConfig> = fields({
  selector: optional(workloadSelector),
  concurrency: optional(natural),
  environmentVariables: optional(z.record(z.string(), text.max(2048))),
  image: optional(fields({ imageType: optional(text) })),
});
