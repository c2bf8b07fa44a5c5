/** What is wrong with a mesh's configuration as a whole: references that lead nowhere, and rules that contradict each other. */
import type {
  Diagnostic,
  ExtensionProvider,
  MeshObject,
  MeshSettingsSpec,
  OverloadPolicy,
  ParsedObject,
  PeerAuthentication,
  ProxyConfig,
  RequestValidation,
  Sidecar,
  Telemetry,
} from "@heddle/model";
import { compareText, groupOf, MESH_SETTINGS_KEY } from "@heddle/model";
import type { Check, CheckContext } from "./check.ts";
import { checkAuthorizationPolicies } from "./checks/authorization-policies.ts";
import { checkDelegates } from "./checks/delegates.ts";
import { checkDestinationRules } from "./checks/destination-rules.ts";
import { checkDestinations } from "./checks/destinations.ts";
import { checkFallbackConflicts, checkFallbacks } from "./checks/fallbacks.ts";
import { checkGatewayApi } from "./checks/gateway-api.ts";
import { checkGatewayApiRivals } from "./checks/gateway-api-rivals.ts";
import { checkGatewayConflicts } from "./checks/gateway-conflicts.ts";
import { checkGatewayOrder } from "./checks/gateway-order.ts";
import { checkGatewayReferences } from "./checks/gateway-references.ts";
import { checkGatewayPorts } from "./checks/gateway-ports.ts";
import { checkIngressConflicts, checkIngresses } from "./checks/ingresses.ts";
import { checkIssuerKeys } from "./checks/issuer-keys.ts";
import { checkMeshHosts } from "./checks/mesh-hosts.ts";
import {
  checkRefusingRules,
  checkReportedPaths,
  checkRuleOrder,
} from "./checks/request-validations.ts";
import { checkRoutedHosts, checkRoutePrecedence } from "./checks/route-precedence.ts";
import { checkRuleGateways } from "./checks/rule-gateways.ts";
import { checkServiceEntries } from "./checks/service-entries.ts";
import { checkSidecarTls } from "./checks/sidecar-tls.ts";
import { checkSurprisingPolicies } from "./checks/surprising-policies.ts";
import { checkTokenClaims } from "./checks/token-claims.ts";
import { checkUnservedHosts } from "./checks/unserved-hosts.ts";
import { checkHostsWithoutPorts, checkPathsAsWritten } from "./checks/ways-to-write.ts";
import { workloadScopes } from "./checks/workload-scopes.ts";
import { MeshIndex } from "./mesh-index.ts";
import type { Entry, KnownService } from "./mesh-index.ts";

/** Objects of a mesh, with or without their files, or an index that is kept up between calls. */
export type AnalysisInput = Iterable<ParsedObject | MeshObject> | MeshIndex;

export interface AnalysisOptions {
  /** What is referred to and missing is an error instead of a warning. */
  readonly strict?: boolean;
  /** Conflicts are warnings: Istio's order settles them. */
  readonly force?: boolean;
  /** `istio-system` without it. */
  readonly rootNamespace?: string;
  /** `cluster.local` without it; an index has its own. */
  readonly clusterDomain?: string;
  /** Of the mesh, where no MeshSettings among the objects says otherwise; policies that name others are told of. */
  readonly extensionProviders?: readonly ExtensionProvider[];
  /** Services that exist though no object here defines them: what clusters reported. */
  readonly services?: Iterable<KnownService>;
  /** Keys of the only objects to look at; all without it. */
  readonly only?: ReadonlySet<string>;
  /** Only conflicts between objects, which is a small part of the work. */
  readonly conflictsOnly?: boolean;
}

/**
 * Findings of a mesh, sorted by object and place. What one object has wrong by itself is found when it is parsed, and not
 * here. Time grows with the number of objects looked at, not with the mesh: pass an index and `only` for a change.
 */
export function analyze(input: AnalysisInput, options: AnalysisOptions = {}): Diagnostic[] {
  const { strict = false, force = false, rootNamespace = "istio-system", only } = options;
  const index = input instanceof MeshIndex ? input : indexOf(input, options);
  for (const service of options.services ?? []) index.addService(service);
  const settings = index.entry(MESH_SETTINGS_KEY)?.object.spec as MeshSettingsSpec | undefined;
  const extensionProviders = settings
    ? (settings.extensionProviders ?? [])
    : options.extensionProviders;
  const context = { index, strict, force, rootNamespace, extensionProviders };
  const entries = only ? [...only].flatMap((key) => index.entry(key) ?? []) : [...index.entries()];
  const found = entries
    .toSorted((a, b) => compareText(a.key, b.key))
    .flatMap((entry) => look(entry, context, options.conflictsOnly ? CONFLICTS : CHECKS));
  return options.conflictsOnly ? found.filter(({ code }) => code !== "IST0101") : found;
}

function indexOf(
  objects: Iterable<ParsedObject | MeshObject>,
  options: AnalysisOptions,
): MeshIndex {
  const { clusterDomain } = options;
  const index = new MeshIndex(clusterDomain === undefined ? {} : { clusterDomain });
  for (const object of objects) index.put(object);
  return index;
}

type Checks = Readonly<Record<string, readonly Check<never>[]>>;

const sidecar: readonly Check<Sidecar>[] = [
  workloadScopes(({ workloadSelector }) => workloadSelector?.labels, {
    selected: "IST0110",
    whole: "IST0111",
  }),
];
const telemetry: readonly Check<Telemetry>[] = [
  workloadScopes(
    ({ selector, targetRef, targetRefs = targetRef ? [targetRef] : [] }) =>
      targetRefs.length > 0
        ? targetRefs.map(({ kind, name }) => `${kind} ${name}`)
        : selector?.matchLabels,
    { selected: "IST0159", whole: "IST0160" },
  ),
];
const proxyConfig: readonly Check<ProxyConfig>[] = [
  workloadScopes(({ selector }) => selector?.matchLabels, {
    selected: "HDL0106",
    whole: "HDL0106",
  }),
];
const peerAuthentication: readonly Check<PeerAuthentication>[] = [
  workloadScopes(({ selector }) => selector?.matchLabels, {
    selected: "HDL0103",
    whole: "HDL0103",
  }),
];
const overloadPolicy: readonly Check<OverloadPolicy>[] = [
  workloadScopes(({ selector }) => selector?.matchLabels, {
    selected: "HDL0155",
    whole: "HDL0155",
  }),
];
const requestValidation: readonly Check<RequestValidation>[] = [
  workloadScopes(
    ({ selector, targetRefs = [] }) =>
      targetRefs.length > 0
        ? targetRefs.map(({ kind, name }) => `${kind} ${name}`)
        : selector?.matchLabels,
    { selected: "HDL0186", whole: "HDL0186" },
  ),
];

/** Objects that contradict each other. */
const CONFLICTS: Checks = {
  "networking.istio.io/VirtualService": [checkMeshHosts, checkRoutePrecedence],
  "networking.istio.io/DestinationRule": [checkDestinationRules],
  "networking.istio.io/Gateway": [checkGatewayConflicts, checkGatewayPorts],
  "networking.istio.io/ServiceEntry": [checkServiceEntries],
  "networking.k8s.io/Ingress": [checkIngressConflicts],
  "networking.istio.io/Sidecar": sidecar,
  "networking.istio.io/ProxyConfig": proxyConfig,
  "security.istio.io/PeerAuthentication": peerAuthentication,
  "telemetry.istio.io/Telemetry": telemetry,
  "heddle.dev/Fallback": [checkFallbackConflicts],
  "heddle.dev/OverloadPolicy": overloadPolicy,
  "heddle.dev/RequestValidation": requestValidation,
};

const CHECKS: Checks = {
  ...CONFLICTS,
  "networking.istio.io/VirtualService": [
    checkDestinations,
    checkDelegates,
    checkRuleGateways,
    checkTokenClaims,
    checkMeshHosts,
    checkGatewayOrder,
    checkUnservedHosts,
    checkRoutePrecedence,
  ],
  "networking.istio.io/Gateway": [checkGatewayReferences, checkGatewayConflicts, checkGatewayPorts],
  "networking.istio.io/Sidecar": [...sidecar, checkSidecarTls],
  "networking.k8s.io/Ingress": [checkIngresses, checkIngressConflicts],
  "networking.istio.io/DestinationRule": [checkDestinationRules, checkSurprisingPolicies],
  "security.istio.io/AuthorizationPolicy": [
    checkAuthorizationPolicies,
    checkHostsWithoutPorts,
    checkPathsAsWritten,
  ],
  "heddle.dev/Fallback": [checkFallbacks, checkFallbackConflicts],
  "heddle.dev/RequestValidation": [
    ...requestValidation,
    checkRuleOrder,
    checkRefusingRules,
    checkReportedPaths,
  ],
  "security.istio.io/RequestAuthentication": [checkIssuerKeys],
};

function look(entry: Entry, context: CheckContext, all: Checks): Diagnostic[] {
  const { apiVersion, kind } = entry.object;
  if (apiVersion.startsWith("gateway.networking.")) {
    const route = kind.endsWith("Route") ? checkRoutedHosts(entry as Entry<never>, context) : [];
    return [...checkGatewayApi(entry, context), ...checkGatewayApiRivals(entry, context), ...route];
  }
  const checks = all[`${groupOf(apiVersion)}/${kind}`] ?? [];
  // The table's key is what the object is.
  return checks.flatMap((check) => [...check(entry as Entry<never>, context)]);
}
