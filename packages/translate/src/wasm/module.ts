/** A plugin's module as the translation knows it: what is asked for, and what has come of it. */
import type { MeshObject, WasmPlugin } from "@heddle/model";

/** Fetched and verified by whoever runs the translator; Envoy never fetches: it takes a wrong checksum for no module at all. */
export type WasmModuleState =
  | {
      readonly state: "ready";
      /** Base64. */
      readonly bytes: string;
    }
  /** It cannot be had, or is not what was asked for; whoever fetched it tells why. */
  | { readonly state: "failed" };

/** What a plugin asks to be fetched, as text: plugins with equal keys share a module. */
export function wasmModuleKey({ metadata, spec }: MeshObject<WasmPlugin>): string {
  const { url, sha256 = "", imagePullPolicy = "", imagePullSecret = "" } = spec;
  // A secret is the namespace's.
  const namespace = imagePullSecret === "" ? "" : metadata.namespace;
  return JSON.stringify([url, sha256.toLowerCase(), imagePullPolicy, namespace, imagePullSecret]);
}
