/** Proxies into pods, and pods for gateways: what a pod template becomes. Pure. */
export { inject, type Injection, type InjectionRequest } from "./inject.ts";
export { type DocumentOptions, injectDocuments, type InjectedText } from "./documents.ts";
export { admit, type Admitted, type AdmissionSettings } from "./admission.ts";
export { type AdmissionRequest, requestOf, reviewWith, warningOf } from "./review.ts";
export {
  deployGateway,
  type GatewayDeployment,
  type GatewayRequest,
  type NotDeployed,
} from "./gateway/deploy.ts";
export { installedGatewayPod } from "./gateway/installed.ts";
export { gatewayRequest } from "./gateway/request.ts";
export { GATEWAY_NAME } from "./gateway/infrastructure.ts";
export {
  type AgentAddress,
  defaultOptions,
  type InjectionMesh,
  type InjectionOptions,
  type ProxyConfigs,
} from "./settings.ts";
export {
  IDENTITY_CONFIG_MAP,
  IDENTITY_FOLDER,
  identityConfigMap,
  TOKEN_AUDIENCE,
} from "./identity.ts";
export { identityFiles, type MachineFile, machineFiles } from "./machine/files.ts";
export type { MachineFilesOptions } from "./machine/machine.ts";
export { type NotInjected, SYSTEM_NAMESPACES } from "./policy.ts";
export {
  IDLE_PROXY_FIELDS,
  type ProxySettings,
  READ_PROXY_FIELDS,
  readProxyField,
  readProxySettings,
} from "./proxy-settings.ts";
export type { Finding } from "./finding.ts";
