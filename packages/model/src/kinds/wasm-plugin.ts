/** WasmPlugin of extensions.istio.io: a WebAssembly module in the filter chains of proxies. */
import type { PolicyTarget } from "./policy-target.ts";

export interface WasmPlugin extends PolicyTarget, WasmModule {
  /** Where in the filter chain; the order within a phase is by priority. */
  readonly phase?: "UNSPECIFIED_PHASE" | "AUTHN" | "AUTHZ" | "STATS";
  /** Higher ones first; 0 where it is left out. */
  readonly priority?: number;
  readonly match?: readonly TrafficSelector[];
}

/** A module, where it comes from, and how it is run. */
export interface WasmModule {
  /** `oci://`, `https://`, `http://` or `file://`; `oci://` without a scheme. */
  readonly url: string;
  /** Of the module, or of the image: 64 hexadecimal digits. */
  readonly sha256?: string;
  /** Always for the tag `latest`, IfNotPresent for others, where it is left out. */
  readonly imagePullPolicy?: "UNSPECIFIED_POLICY" | "IfNotPresent" | "Always";
  /** A Secret in the plugin's namespace. */
  readonly imagePullSecret?: string;
  /** Of no effect in Istio. */
  readonly verificationKey?: string;
  readonly pluginConfig?: Readonly<Record<string, unknown>>;
  readonly pluginName?: string;
  /** What happens to requests when the module cannot be had or fails; FAIL_CLOSE where it is left out. */
  readonly failStrategy?: "FAIL_CLOSE" | "FAIL_OPEN" | "FAIL_RELOAD";
  readonly vmConfig?: VmConfig;
  readonly type?: "UNSPECIFIED_PLUGIN_TYPE" | "HTTP" | "NETWORK";
}

export interface VmConfig {
  readonly env?: readonly EnvVar[];
}

export interface EnvVar {
  readonly name: string;
  /** HOST takes the proxy's own variable of that name. */
  readonly valueFrom?: "INLINE" | "HOST";
  readonly value?: string;
}

/** Which of a workload's traffic: both must match. */
export interface TrafficSelector {
  readonly mode?: "UNDEFINED" | "CLIENT" | "SERVER" | "CLIENT_AND_SERVER";
  readonly ports?: readonly { readonly number: number }[];
}
