/** Fields that Istio knows and translation does not yet put into effect. A release that does deletes its rows. */
import type { Level } from "./diagnostic.ts";
import { plannedGatewayApi } from "./planned-gateway-api.ts";
import { isClaim } from "./validate/header.ts";
import { joinPath } from "./validate/report.ts";
import type { Report } from "./validate/report.ts";

export interface PlannedField {
  readonly kind: string;
  /** Below `spec`; `[]` stands for every item of a list. Empty: the spec itself. */
  readonly path: string;
  /** Which values of the field are not in effect; without it, all. */
  readonly when?: (value: unknown) => boolean;
  /** What the message names; the field without it. */
  readonly what?: (value: unknown) => string;
  /** Error where ignoring the field would send requests elsewhere or let in strangers. */
  readonly level: Level;
}

function field(kind: string, path: string, level: Level): PlannedField {
  return { kind, path, level };
}

const virtualService: readonly PlannedField[] = [
  {
    kind: "VirtualService",
    path: "http[].redirect.redirectCode",
    when: (code) => /^3\d\d$/.test(String(code)) && !/^30[12378]$/.test(String(code)),
    what: (code) => `status ${code as number} of a redirect, which Envoy cannot give,`,
    level: "Error",
  },
  ...["headers", "withoutHeaders"].map((name): PlannedField => ({
    kind: "VirtualService",
    path: `http[].match[].${name}`,
    when: (headers) => Object.keys(headers as object).some(isClaim),
    what: () => "matching claims of a token",
    level: "Error",
  })),
];

const destinationRule: readonly PlannedField[] = ["trafficPolicy", "subsets[].trafficPolicy"]
  .flatMap((policy) => [policy, `${policy}.portLevelSettings[]`])
  .flatMap((at) => [
    field("DestinationRule", `${at}.loadBalancer.zoneAwareLbSetting`, "Warning"),
    field("DestinationRule", `${at}.loadBalancer.backendUtilization`, "Warning"),
  ]);

const envoyFilter: readonly PlannedField[] = [
  {
    kind: "EnvoyFilter",
    path: "configPatches[].applyTo",
    when: (target) => target === "BOOTSTRAP",
    what: () => "a patch of the bootstrap, but in what `heddle xds --bootstrap` prints,",
    level: "Warning",
  },
  {
    kind: "EnvoyFilter",
    path: "configPatches[].match.context",
    when: (context) => context === "WAYPOINT",
    what: () => "a patch of waypoints, of which there are none,",
    level: "Warning",
  },
  field("EnvoyFilter", "configPatches[].match.waypoint", "Warning"),
  // Istio reads neither of the two.
  field("EnvoyFilter", "configPatches[].match.listener.portName", "Warning"),
  field("EnvoyFilter", "configPatches[].patch.filterClass", "Warning"),
  waypointTarget("EnvoyFilter", "targetRefs[].kind"),
];

const sidecar: readonly PlannedField[] = [
  // Istio has it for what a client sends, and reads it nowhere else.
  ...["inboundConnectionPool", "ingress[].connectionPool"].map((pool) =>
    field("Sidecar", `${pool}.http.h2UpgradePolicy`, "Warning"),
  ),
];

/** How a proxy is started is for whoever starts it: nothing here puts proxies into pods yet. */
const proxyConfig: readonly PlannedField[] = [
  ["concurrency", "concurrency, but in what `heddle xds --bootstrap` tells,"],
  [
    "environmentVariables",
    "the proxy's variables, but those of ISTIO_META_ in what `heddle xds --bootstrap` prints,",
  ],
  ["image.imageType", "the kind of the proxy's image"],
].map(([path = "", words = ""]): PlannedField => ({
  kind: "ProxyConfig",
  path,
  what: () => words,
  level: "Warning",
}));

const workloads: readonly PlannedField[] = [
  // Endpoints in other networks are reached through gateways between them.
  field("ServiceEntry", "endpoints[].network", "Warning"),
  field("WorkloadEntry", "network", "Warning"),
  field("WorkloadGroup", "template.network", "Warning"),
  field("WorkloadGroup", "metadata.annotations", "Warning"),
  field("WorkloadGroup", "probe", "Warning"),
];

const wasmPlugin: readonly PlannedField[] = [
  field("WasmPlugin", "verificationKey", "Warning"),
  ...["targetRef.kind", "targetRefs[].kind"].map((path) => waypointTarget("WasmPlugin", path)),
];

/** Where Telemetry may send to: the agent, under whatever name; `envoy` is the proxy's own output. */
const OWN_PROVIDERS: ReadonlySet<unknown> = new Set(["heddle", "otel", "prometheus", "envoy"]);

function foreignProvider(path: string): PlannedField {
  return {
    kind: "Telemetry",
    path,
    when: (name) => !OWN_PROVIDERS.has(name),
    what: (name) => `the provider ${String(name)}, in whose place Heddle's own is used,`,
    level: "Warning",
  };
}

const telemetry: readonly PlannedField[] = [
  ...["tracing[]", "metrics[]", "accessLogging[]"].map((at) =>
    foreignProvider(`${at}.providers[].name`),
  ),
  {
    kind: "Telemetry",
    path: "metrics[].overrides[].match.metric",
    when: (metric) => metric === "GRPC_REQUEST_MESSAGES" || metric === "GRPC_RESPONSE_MESSAGES",
    what: (metric) => `the metric ${String(metric)}, which nobody counts,`,
    level: "Warning",
  },
  field("Telemetry", "metrics[].overrides[].match.customMetric", "Warning"),
  field("Telemetry", "metrics[].reportingInterval", "Warning"),
  field("Telemetry", "tracing[].enableIstioTags", "Warning"),
  ...["targetRef.kind", "targetRefs[].kind"].map((path) => waypointTarget("Telemetry", path)),
];

function waypointTarget(kind: string, path: string): PlannedField {
  return {
    kind,
    path,
    when: (target) => target === "Service" || target === "ServiceEntry",
    what: (target) => `a ${target as string} as target, which chooses waypoints,`,
    level: "Warning",
  };
}

/** The whole table. */
export const plannedFields: readonly PlannedField[] = [
  ...plannedGatewayApi,
  ...virtualService,
  ...destinationRule,
  ...envoyFilter,
  ...wasmPlugin,
  ...telemetry,
  ...sidecar,
  ...proxyConfig,
  ...workloads,
];

/** Names every field of an object that is known and not yet in effect. */
export function checkPlanned(kind: string, spec: unknown, report: Report): void {
  for (const { kind: of, path, when, what, level } of plannedFields) {
    if (of !== kind) continue;
    for (const { at, value } of valuesAt(spec, path === "" ? [] : path.split("."), "spec")) {
      if (when && !when(value)) continue;
      report({
        code: "HDL0016",
        level,
        path: at,
        message: `${what ? what(value) : lastName(at)} is known to Istio, but not yet in effect here`,
        remedy: "Do without it until a release puts it into effect.",
      });
    }
  }
}

/** Every value that a path leads to, with the path that it stands at. */
function* valuesAt(
  value: unknown,
  steps: readonly string[],
  at: string,
): Generator<{ at: string; value: unknown }> {
  const [step, ...rest] = steps;
  if (step === undefined) {
    yield { at, value };
    return;
  }
  if (typeof value !== "object" || value === null) return;
  const name = step.replace("[]", "");
  if (!Object.hasOwn(value, name)) return;
  const inner = (value as Record<string, unknown>)[name];
  const here = joinPath(at, name);
  if (!step.endsWith("[]")) return yield* valuesAt(inner, rest, here);
  if (!Array.isArray(inner)) return;
  for (const [index, item] of inner.entries()) yield* valuesAt(item, rest, joinPath(here, index));
}

function lastName(path: string): string {
  return path.slice(path.lastIndexOf(".") + 1);
}
