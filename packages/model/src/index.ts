/** Configuration kinds, their schemas, references and precedence; the registry of services and workloads. Pure. */
export type { MeshObject, ObjectMetadata, OwnerReference } from "./object.ts";
export { byAge, compareText, groupOf, objectKey, originOf, parseObjectKey } from "./object.ts";
export * from "./access.ts";
export { isDeeperThan } from "./depth.ts";
export { type Fields, isFields } from "./fields.ts";
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
export type * from "./kinds/mesh-settings.ts";
export { MESH_SETTINGS_API, MESH_SETTINGS_KEY, MESH_SETTINGS_NAME } from "./kinds/mesh-settings.ts";
export type * from "./kinds/peer-authentication.ts";
export type * from "./kinds/policy-target.ts";
export type * from "./kinds/sidecar.ts";
export type * from "./kinds/envoy-filter.ts";
export type * from "./kinds/proxy-config.ts";
export type * from "./kinds/wasm-plugin.ts";
export type * from "./kinds/traffic-extension.ts";
export type * from "./kinds/telemetry.ts";
export type { CountedMetric } from "./telemetry-metrics.ts";
export { MAX_OPEN_CONNECTIONS, OPEN_CONNECTION } from "./open-connections.ts";
export { COUNTED_WHEN_NAMED, METRIC_NAMES, metricNamed } from "./telemetry-metrics.ts";
export type * from "./kinds/authorization-policy.ts";
export type * from "./kinds/extension-provider.ts";
export { extensionProvidersSchema, readExtensionProvider } from "./schema/extension-provider.ts";
export { statusName, type StatusName } from "./http-statuses.ts";
export { DRY_RUN, isDryRun } from "./dry-run.ts";
export type * from "./kinds/request-authentication.ts";
export { claimPath, matchedClaim } from "./claims.ts";
export { jwksError, signingKeys, type SigningKeys } from "./jwks.ts";
export { tokenPlaces } from "./token-places.ts";
export type * from "./kinds/ingress.ts";
export type * as GatewayApi from "./kinds/gateway-api/index.ts";
export type * from "./kinds/rate-limit.ts";
export type * from "./kinds/redaction.ts";
export type * from "./kinds/request-validation.ts";
export type * from "./kinds/fallback.ts";
export type * from "./kinds/overload-policy.ts";
export type * from "./kinds/service-entry.ts";
export type * from "./kinds/workload-entry.ts";
export type * from "./kinds/workload-group.ts";
export type * from "./kinds/kubernetes.ts";
export type * from "./registry/types.ts";
export { closedInstead } from "./closed-instead.ts";
export { globMatcher } from "./glob.ts";
export { labelsMatch, selects } from "./labels.ts";
export { isHttp, isHttp2, isTls, protocolNamed, protocolOf } from "./registry/protocol.ts";
export type { RegistryOptions } from "./registry/service.ts";
export { serviceOf } from "./registry/service.ts";
export { isIpv6, UNIX_SOCKET } from "./registry/address.ts";
export {
  endpointsOfEntry,
  portOnWorkload,
  resolvesItsHosts,
  servicesOfEntry,
} from "./registry/service-entry.ts";
export {
  accountOfGroup,
  groupOfEntry,
  labelsOfGroup,
  withGroup,
  workloadOfEntryObject,
} from "./registry/workload-entry.ts";
export {
  canonicalAddress,
  REGISTER_GROUP,
  registeredName,
  unfitForMachine,
} from "./registry/machine.ts";
export type { WorkloadOptions } from "./registry/workload.ts";
export {
  canonicalOf,
  localityOf,
  takesMutualTls,
  workloadName,
  workloadOfPod,
} from "./registry/workload.ts";
export type { PodLookup } from "./registry/endpoint.ts";
export { endpointsOf, serviceNameOf } from "./registry/endpoint.ts";
export {
  type OpenApiDocument,
  type OpenApiProblem,
  type OpenApiReading,
  readOpenApi,
} from "./openapi/document.ts";
export type {
  OpenApiBody,
  OpenApiOperation,
  OpenApiParameter,
  ValueTypes,
} from "./openapi/operations.ts";
export { below as belowOpenApiKey } from "./openapi/keywords.ts";
export type { JsonType } from "./openapi/shape.ts";
export { isVisible } from "./precedence/visibility.ts";
export {
  chooseVirtualService,
  gatewayReference,
  gatewaysOf,
  virtualServiceHosts,
} from "./precedence/virtual-service.ts";
export {
  delegatedRoutes,
  delegateOf,
  delegateProblem,
  type Delegated,
  type DelegateProblem,
} from "./precedence/delegation.ts";
export type {
  DestinationRuleChoice,
  DestinationRuleQuestion,
} from "./precedence/destination-rule.ts";
export { chooseDestinationRule, destinationRuleChoice } from "./precedence/destination-rule.ts";
export { exportsLike } from "./precedence/destination-rule-merge.ts";
export type {
  DecidedMode,
  MutualTlsMode,
  MutualTlsModes,
  WorkloadQuestion,
} from "./precedence/peer-authentication.ts";
export { modeOfPort, mutualTlsMode, mutualTlsModes } from "./precedence/peer-authentication.ts";
export { effectiveProxyConfig } from "./precedence/proxy-config.ts";
export type { CodeEntry } from "./codes.ts";
export { parentState, hostsLeftTo } from "./gateway-api/attachment.ts";
export { parentsOf, routesOfParent } from "./gateway-api/default-gateways.ts";
export { tlsOptionsOf } from "./gateway-api/tls-options.ts";
export { rivalsOf } from "./gateway-api/listeners.ts";
export { clientCertificateOf } from "./gateway-api/client-certificate.ts";
export type { BackendTls } from "./gateway-api/backend-tls.ts";
export { backendTlsOf, backendTlsPolicyFor } from "./gateway-api/backend-tls.ts";
export type { Condition } from "./gateway-api/conditions/condition.ts";
export { isProblem } from "./gateway-api/conditions/condition.ts";
export type { GatewayApiStatus } from "./gateway-api/conditions/object.ts";
export { conditionsIn, gatewayApiStatus } from "./gateway-api/conditions/object.ts";
export { byAgeAndKind, gatewayApiPlaces, gatewayOfSet, placeOf } from "./gateway-api/places.ts";
export { backendFilterProblem, routeFilterProblem } from "./gateway-api/filters.ts";
export type { IngressReader } from "./ingress/reader.ts";
export {
  CLASS_ANNOTATION,
  ingressGatewaySelector,
  isDefaultIngressClass,
  otherIngressController,
} from "./ingress/class.ts";
export { resolveIngressBackend } from "./ingress/backend.ts";
export { byIngressPath, type IngressPathMatch, ingressPathMatch } from "./ingress/path.ts";
export type { ListenerClients, ListenerEntry } from "./gateway-api/listeners.ts";
export { isListenerSetAllowed, listenersOf, referrerOf } from "./gateway-api/listeners.ts";
export { GATEWAY_CONTROLLERS, gatewayState } from "./gateway-api/gateway-class.ts";
export {
  ISTIO_REVISION_LABEL,
  ONLY_REVISION,
  type Revision,
  REVISION_LABEL,
} from "./gateway-api/revision.ts";
export type { GatewayServing } from "./gateway-api/addresses.ts";
export { SUPPORTED_FEATURES } from "./gateway-api/supported-features.ts";
export { gatewayDeploymentName, gatewayServices } from "./gateway-api/addresses.ts";
export type { GatewayPatches, PatchedObject } from "./gateway-api/parameters.ts";
export { gatewayPatches, isInvalid, PATCHED_OBJECTS } from "./gateway-api/parameters.ts";
export type { GatewayApiReader, RivalRoutes, RouteObject } from "./gateway-api/reader.ts";
export { parentKey, ROUTE_KINDS, routeOfRival } from "./gateway-api/reader.ts";
export { isBroken, ofMeshRoutes, resolveBackend } from "./gateway-api/references.ts";
export { routeRivalsOf } from "./gateway-api/rival-routes.ts";
export { modelCodes } from "./codes.ts";
export type { Kind } from "./kinds.ts";
export { isPassedOver, kindOf, kinds } from "./kinds.ts";
export type { PlannedField } from "./planned.ts";
export { plannedFields } from "./planned.ts";
export { oldNames } from "./schema/old-names.ts";
export { nearest } from "./nearest.ts";
export { canonicalJson } from "./canonical-json.ts";
export type { ParseOptions, ParseResult } from "./parse-object.ts";
export { parseObject } from "./parse-object.ts";
export type { ObjectSource, ParsedObject } from "./parse-documents.ts";
export { parseDocuments, textDiagnostic, withoutTwins } from "./parse-documents.ts";
export { MAX_DOCUMENT_BYTES, readSource, readValues } from "./source.ts";
export { toDocument } from "./to-document.ts";
export { serverProtocol } from "./validate/gateway.ts";
export { GRPC_STATUS } from "./validate/words.ts";
export { hostError, isDnsLabel, isDnsName, isIpAddress } from "./validate/names.ts";
export { regexError } from "./validate/re2.ts";
