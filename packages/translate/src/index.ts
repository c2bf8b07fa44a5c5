/** Model to Envoy resources, as plain typed values. Pure, incremental. */
export type { Cohort, Locality, ProxyDescription } from "./proxy.ts";
export { MESH_DEFAULTS, type MeshSettings } from "./mesh-settings.ts";
export type { Change, Overlay, OverlayChange, OverlayScope } from "./overlay.ts";
export type { XdsNode } from "./node.ts";
export { parseNode } from "./node.ts";
export type { Schedule } from "./engine/drain.ts";
export { deepEqual } from "./engine/deep-equal.ts";
export type { DerivationStats } from "./engine/engine.ts";
export type {
  Outcome,
  RecordedChange,
  RecordedResources,
  RecordedRun,
  RecordedStep,
  StepKind,
} from "./engine/changes/recorded-change.ts";
export type { NamedResource } from "./origin/explain.ts";
export type { Effect, Translator, TranslatorOptions, TranslatorStats } from "./translator.ts";
export { createTranslator } from "./translator.ts";
export type { OwnCluster } from "./translator.ts";
export type { Elsewhere } from "./store/elsewhere.ts";
export { OWN_GATEWAYS } from "./store/store.ts";
export type { ProxyView, ViewListener } from "./view/proxy-view.ts";
export type { ChangedNames, ResourceType } from "./view/resource-set.ts";
export type { BootstrapOptions, HostPort } from "./bootstrap.ts";
export { bootstrap } from "./bootstrap.ts";
export type { XdsSecurity } from "./xds-security.ts";
export { XDS_FILES, xdsSecretFiles } from "./xds-security.ts";
export type { StaticOptions, StaticResources } from "./static-bootstrap.ts";
export { staticBootstrap } from "./static-bootstrap.ts";
export { extension, typedConfig } from "./typed-config.ts";
export * from "./names.ts";
export { partsOfName, placeholderOf } from "./on-demand/virtual-hosts.ts";
export { trustDomainsOf } from "./trust-domains.ts";
export { type WasmModuleState, wasmModuleKey } from "./wasm/module.ts";
export {
  type KeySource,
  keySource,
  keySourceName,
  type SigningKeysState,
} from "./authentication/signing-keys.ts";
export { checkEnvoyFilter } from "./patch/compile.ts";
export type { EnvoyApi } from "./patch/envoy-api.ts";
export {
  ACCESS_LOG_ATTRIBUTES,
  ACCESS_LOG_RESOURCE,
  type AccessLogField,
  HTTP_ACCESS_LOG,
  TCP_ACCESS_LOG,
} from "./telemetry/access-log-attributes.ts";
export type { Peer, PodOfProxy } from "./telemetry/peer.ts";
export { OPENAPI_MODE, OPENAPI_OBJECT, OPENAPI_REFUSED } from "./validation/filters.ts";
export { METRIC_PREFIX } from "./telemetry/stats-logger.ts";
