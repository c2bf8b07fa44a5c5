/** Schemas of WasmPlugin and TrafficExtension: every field of extensions.istio.io/v1alpha1. */
import { z } from "zod";
import type { TrafficExtension } from "../kinds/traffic-extension.ts";
import type { TrafficSelector, WasmPlugin } from "../kinds/wasm-plugin.ts";
import { fields, int32, matching, optional, text } from "./fields.ts";
import { policyTarget, policyTargets } from "./policy-target.ts";

const match: z.ZodType<readonly TrafficSelector[]> = z.array(
  fields({
    mode: optional(z.enum(["UNDEFINED", "CLIENT", "SERVER", "CLIENT_AND_SERVER"])),
    ports: optional(z.array(fields({ number: z.int().min(1).max(65535) }))),
  }),
);

const environment = z
  .array(
    fields({
      name: text.min(1).max(256),
      valueFrom: optional(z.enum(["INLINE", "HOST"])),
      value: optional(text.max(2048)),
    }),
  )
  .max(256);

const module = {
  url: text.min(1),
  sha256: optional(
    matching(/^[a-f0-9]{64}$/, "a SHA-256 checksum", "Give 64 digits of 0-9 and a-f, or none."),
  ),
  imagePullPolicy: optional(z.enum(["UNSPECIFIED_POLICY", "IfNotPresent", "Always"])),
  imagePullSecret: optional(text.min(1).max(253)),
  verificationKey: optional(text),
  pluginConfig: optional(z.record(z.string(), z.unknown())),
  pluginName: optional(text.min(1).max(256)),
  failStrategy: optional(z.enum(["FAIL_CLOSE", "FAIL_OPEN", "FAIL_RELOAD"])),
  vmConfig: optional(fields({ env: optional(environment) })),
  type: optional(z.enum(["UNSPECIFIED_PLUGIN_TYPE", "HTTP", "NETWORK"])),
};

export const wasmPluginSchema: z.ZodType<WasmPlugin> = fields({
  ...policyTarget,
  ...module,
  phase: optional(z.enum(["UNSPECIFIED_PHASE", "AUTHN", "AUTHZ", "STATS"])),
  priority: optional(int32),
  match: optional(match),
});

export const trafficExtensionSchema: z.ZodType<TrafficExtension> = fields({
  ...policyTargets,
  phase: optional(z.enum(["UNSPECIFIED", "AUTHN", "AUTHZ", "STATS"])),
  priority: optional(int32),
  match: optional(match),
  wasm: optional(fields(module)),
  lua: optional(fields({ inlineCode: text.min(1).max(65536) })),
});
