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
