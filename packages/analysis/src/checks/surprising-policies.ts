/** HDL0146 to HDL0149, HDL0151, HDL0152, HDL0154: traffic policies that are valid, and do something else than they seem to. */
import type {
  DestinationRule,
  Diagnostic,
  PortTrafficPolicy,
  Service,
  ServiceEntry,
  TrafficPolicy,
} from "@heddle/model";
import { resolveHost, splitServiceHost } from "@heddle/model";
import { diagnostic, type Found } from "../check.ts";
import type { Check } from "../check.ts";
import type { MeshIndex } from "../mesh-index.ts";

type Policy = TrafficPolicy | PortTrafficPolicy;

export const checkSurprisingPolicies: Check<DestinationRule> = function* (entry, { index }) {
  const { metadata, spec } = entry.object;
  for (const { policy, path } of policiesOf(spec)) {
    for (const look of LOOKS) {
      const found = look(policy);
      if (found) yield at(found, path);
    }
  }
  const outliers = spec.trafficPolicy?.outlierDetection;
  if (outliers?.maxEjectionPercent === 100 && !outliers.minHealthPercent) {
    const host = resolveHost(spec.host, metadata.namespace, index.clusterDomain);
    if (endpointsOf(index, host) === 1) {
      yield at(
        {
          code: "HDL0151",
          path: ".outlierDetection",
          message: `${host} has one endpoint: while it is ejected every request is refused.`,
        },
        "spec.trafficPolicy",
      );
    }
  }

  function at(found: Found, path: string): Diagnostic {
    return diagnostic(entry, { ...found, path: `${path}${found.path}` });
  }
};

/** One for each thing that surprises; paths are below the policy. */
const LOOKS: readonly ((policy: Policy) => Found | undefined)[] = [
  ({ loadBalancer = {} }) => {
    const { warmup, warmupDurationSecs, simple, consistentHash } = loadBalancer;
    if (warmup === undefined && warmupDurationSecs === undefined) return undefined;
    const by = consistentHash ? "consistentHash" : simple;
    if (by !== "consistentHash" && by !== "RANDOM" && by !== "PASSTHROUGH") return undefined;
    return {
      code: "HDL0146",
      path: `.loadBalancer.${warmup ? "warmup" : "warmupDurationSecs"}`,
      message: `New endpoints are not warmed up where ${by} chooses: they get their full share at once.`,
    };
  },
  ({ loadBalancer: { consistentHash } = {} }) => {
    if (consistentHash === undefined) return undefined;
    const { httpHeaderName, httpCookie, useSourceIp, httpQueryParameterName } = consistentHash;
    if (httpHeaderName || httpCookie || useSourceIp || httpQueryParameterName) return undefined;
    return {
      code: "HDL0147",
      path: ".loadBalancer.consistentHash",
      message: "consistentHash does not say what is hashed, so endpoints are chosen at random.",
    };
  },
  (policy) => {
    const budget = "retryBudget" in policy ? policy.retryBudget : undefined;
    if (budget === undefined || !policy.connectionPool?.http?.maxRetries) return undefined;
    return {
      code: "HDL0148",
      path: ".connectionPool.http.maxRetries",
      message: "maxRetries does not count beside retryBudget.",
    };
  },
  ({ loadBalancer: { localityLbSetting } = {} }) => {
    const { distribute = [], failover = [], failoverPriority = [] } = localityLbSetting ?? {};
    if (distribute.length === 0 || failover.length + failoverPriority.length === 0)
      return undefined;
    const field = failoverPriority.length > 0 ? "failoverPriority" : "failover";
    return {
      code: "HDL0149",
      path: `.loadBalancer.localityLbSetting.${field}`,
      message: `${field} does not count beside distribute: a place without healthy endpoints keeps its share.`,
    };
  },
  ({ loadBalancer, outlierDetection }) => {
    if (outlierDetection === undefined || loadBalancer?.simple !== "PASSTHROUGH") return undefined;
    return {
      code: "HDL0154",
      path: ".outlierDetection",
      message: "With PASSTHROUGH the client has chosen the endpoint: it is asked, ejected or not.",
    };
  },
  ({ tls }) => {
    const { mode, subjectAltNames = [], caCertificates, credentialName } = tls ?? {};
    if (mode !== "SIMPLE" || subjectAltNames.length === 0 || caCertificates || credentialName) {
      return undefined;
    }
    return {
      code: "HDL0152",
      path: ".tls.subjectAltNames",
      message:
        "Without caCertificates or credentialName any public authority may have signed a certificate with these names.",
    };
  },
];

function* policiesOf({ trafficPolicy, subsets = [] }: DestinationRule): Generator<{
  readonly policy: Policy;
  readonly path: string;
}> {
  const levels = [
    { level: trafficPolicy, path: "spec.trafficPolicy" },
    ...subsets.map((subset, index) => ({
      level: subset.trafficPolicy,
      path: `spec.subsets[${index}].trafficPolicy`,
    })),
  ];
  for (const { level, path } of levels) {
    if (level === undefined) continue;
    yield { policy: level, path };
    for (const [index, policy] of (level.portLevelSettings ?? []).entries()) {
      yield { policy, path: `${path}.portLevelSettings[${index}]` };
    }
  }
}

/** Undefined where they are not known. */
function endpointsOf(index: MeshIndex, host: string): number | undefined {
  const [entry, ...others] = index.serviceEntries(host);
  if (entry !== undefined) {
    const { endpoints = [], workloadSelector } = entry.object.spec as ServiceEntry;
    return others.length > 0 || workloadSelector ? undefined : endpoints.length || undefined;
  }
  const named = splitServiceHost(host, index.clusterDomain);
  if (named === undefined || !index.has("Pod")) return undefined;
  const { namespace, name } = named;
  const spec = index.entry(`core/Service/${namespace}/${name}`)?.object.spec as Service | undefined;
  const selector = spec?.selector ?? {};
  if (Object.keys(selector).length === 0) return undefined;
  return index.pods(selector).filter(({ object }) => object.metadata.namespace === namespace)
    .length;
}
