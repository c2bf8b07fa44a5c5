/** The rules of each kind that its schema cannot say, in one table. */
import type { ProxyConfig } from "../kinds/proxy-config.ts";
import type { MeshObject } from "../object.ts";
import { groupOf } from "../object.ts";
import { checkAuthorizationPolicy } from "./authorization-policy.ts";
import { checkDestinationRule } from "./destination-rule.ts";
import { checkEnvoyFilter } from "./envoy-filter.ts";
import { checkGateway } from "./gateway.ts";
import { checkMeshSettings } from "./mesh-settings.ts";
import { checkIngress } from "./ingress.ts";
import { checkGatewayApi } from "./gateway-api/object.ts";
import { checkPeerAuthentication } from "./peer-authentication.ts";
import { checkFallback } from "./fallback.ts";
import { checkOverloadPolicy } from "./overload-policy.ts";
import { checkRateLimit } from "./rate-limit.ts";
import { checkRedaction } from "./redaction.ts";
import type { Report } from "./report.ts";
import { checkRequestAuthentication } from "./request-authentication.ts";
import { checkRequestValidation } from "./request-validation.ts";
import { checkSelector } from "./selector.ts";
import { checkServiceEntry } from "./service-entry.ts";
import { checkSidecar } from "./sidecar.ts";
import { checkTelemetry } from "./telemetry.ts";
import { checkVirtualService } from "./virtual-service.ts";
import { checkTrafficExtension, checkWasmPlugin } from "./wasm-plugin.ts";
import { checkWorkloadEntry } from "./workload-entry.ts";
import { checkWorkloadGroup } from "./workload-group.ts";

/** Checks a spec that its kind's schema has read. */
type Check = (object: MeshObject<never>, report: Report) => void;

const CHECKS: Readonly<Record<string, Check>> = {
  "networking.istio.io/VirtualService": ({ spec, metadata }, report) =>
    checkVirtualService(spec, metadata.namespace, report),
  "networking.istio.io/DestinationRule": ({ spec, metadata }, report) =>
    checkDestinationRule(spec, metadata.namespace, report),
  "networking.istio.io/Gateway": ({ spec, metadata }, report) =>
    checkGateway(spec, metadata.name, report),
  "security.istio.io/PeerAuthentication": ({ spec }, report) =>
    checkPeerAuthentication(spec, report),
  "networking.istio.io/ServiceEntry": ({ spec, metadata }, report) =>
    checkServiceEntry(spec, metadata.namespace, report),
  "networking.istio.io/WorkloadEntry": ({ spec }, report) =>
    checkWorkloadEntry(spec, "spec", report),
  "networking.istio.io/WorkloadGroup": ({ spec }, report) => checkWorkloadGroup(spec, report),
  "heddle.dev/MeshSettings": ({ metadata }, report) => checkMeshSettings(metadata.name, report),
  "heddle.dev/Fallback": ({ spec }, report) => checkFallback(spec, report),
  "heddle.dev/OverloadPolicy": ({ spec }, report) => checkOverloadPolicy(spec, report),
  "heddle.dev/RateLimit": ({ spec }, report) => checkRateLimit(spec, report),
  "heddle.dev/Redaction": ({ spec }, report) => checkRedaction(spec, report),
  "heddle.dev/RequestValidation": ({ spec }, report) => checkRequestValidation(spec, report),
  "networking.k8s.io/Ingress": ({ spec }, report) => checkIngress(spec, report),
  "networking.istio.io/Sidecar": ({ spec, metadata }, report) =>
    checkSidecar(spec, metadata.namespace, report),
  "networking.istio.io/EnvoyFilter": ({ spec }, report) => checkEnvoyFilter(spec, report),
  "networking.istio.io/ProxyConfig": ({ spec }, report) => checkProxyConfig(spec, report),
  "security.istio.io/AuthorizationPolicy": ({ spec }, report) =>
    checkAuthorizationPolicy(spec, report),
  "security.istio.io/RequestAuthentication": ({ spec }, report) =>
    checkRequestAuthentication(spec, report),
  "telemetry.istio.io/Telemetry": ({ spec }, report) => checkTelemetry(spec, report),
  "extensions.istio.io/WasmPlugin": ({ spec }, report) => checkWasmPlugin(spec, report),
  "extensions.istio.io/TrafficExtension": ({ spec }, report) => checkTrafficExtension(spec, report),
};

/** Runs the check of an object's kind; kinds without one have none. */
export function checkByKind(object: MeshObject, report: Report): void {
  if (groupOf(object.apiVersion).startsWith("gateway.networking.")) {
    return checkGatewayApi(object, report);
  }
  // The table's key is what the object is.
  CHECKS[`${groupOf(object.apiVersion)}/${object.kind}`]?.(object as MeshObject<never>, report);
}

function checkProxyConfig({ selector }: ProxyConfig, report: Report): void {
  if (selector) checkSelector(selector, "spec.selector", report);
}
