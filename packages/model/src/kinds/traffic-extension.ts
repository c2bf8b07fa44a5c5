/** TrafficExtension of extensions.istio.io: a WebAssembly module or a Lua script in the filter chains of proxies. */
import type { PolicyTarget } from "./policy-target.ts";
import type { TrafficSelector, WasmModule } from "./wasm-plugin.ts";

/** Exactly one of wasm and lua. */
export interface TrafficExtension extends Pick<PolicyTarget, "selector" | "targetRefs"> {
  readonly phase?: "UNSPECIFIED" | "AUTHN" | "AUTHZ" | "STATS";
  /** Higher ones first; 0 where it is left out. */
  readonly priority?: number;
  readonly match?: readonly TrafficSelector[];
  readonly wasm?: WasmModule;
  readonly lua?: { readonly inlineCode: string };
}
