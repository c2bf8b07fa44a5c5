/** Configuration kinds, their schemas, references and precedence; the registry of services and workloads. Pure. */
export type { MeshObject, ObjectMetadata, OwnerReference } from "./object.ts";
export { byAge, compareText, groupOf, objectKey, originOf, parseObjectKey } from "./object.ts";
export type { Diagnostic, Level } from "./diagnostic.ts";
export { durationOf, millisecondsToProto, parseDuration, protoDuration } from "./duration.ts";
export {
  bySpecificity,
  hostMatches,
  hostsOverlap,
  isWildcard,
  resolveHost,
  serviceHost,
  splitServiceHost,
} from "./host.ts";
export type * from "./kinds/destination.ts";
export type * from "./kinds/virtual-service.ts";
export type * from "./kinds/destination-rule.ts";
export type * from "./kinds/gateway.ts";
export type * from "./kinds/peer-authentication.ts";
export type * from "./kinds/kubernetes.ts";
export type * from "./registry/types.ts";
export { labelsMatch, selects } from "./labels.ts";
export { isHttp, isHttp2, isTls, protocolNamed, protocolOf } from "./registry/protocol.ts";
export type { RegistryOptions } from "./registry/service.ts";
export { serviceOf } from "./registry/service.ts";
export type { WorkloadOptions } from "./registry/workload.ts";
export { localityOf, takesMutualTls, workloadName, workloadOfPod } from "./registry/workload.ts";
export type { PodLookup } from "./registry/endpoint.ts";
export { endpointsOf, serviceNameOf } from "./registry/endpoint.ts";
export { isVisible } from "./precedence/visibility.ts";
export {
  chooseVirtualService,
  gatewayReference,
  gatewaysOf,
  virtualServiceHosts,
} from "./precedence/virtual-service.ts";
export type { DestinationRuleQuestion } from "./precedence/destination-rule.ts";
export { chooseDestinationRule, mergeDestinationRules } from "./precedence/destination-rule.ts";
export type {
  MutualTlsMode,
  MutualTlsModes,
  WorkloadQuestion,
} from "./precedence/peer-authentication.ts";
export { mutualTlsMode, mutualTlsModes } from "./precedence/peer-authentication.ts";
