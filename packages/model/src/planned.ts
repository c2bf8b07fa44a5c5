/** Fields that are known and that no running proxy follows, each with why. A release that puts one into effect deletes its row. */
import type { Level } from "./diagnostic.ts";
import { plannedGatewayApi } from "./planned-gateway-api.ts";
import { metricNamed } from "./telemetry-metrics.ts";
import { isIpAddress } from "./validate/names.ts";
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
  /** Why it is not in effect; `planned` without it. */
  readonly because?: NoEffect;
  /** What to do instead; what the reason has for it without it. */
  readonly remedy?: string;
}

/**
 * Why a field is not in effect: Istio reads it and Heddle does not yet; Istio does not read it either; it is for waypoints,
 * and there are none; it takes effect where a proxy starts, or where it is put into a pod, and only there; it names where telemetry goes to, and that is the
 * agent whatever it names.
 */
export type NoEffect = "planned" | "inert" | "no waypoints" | "at start" | "injected" | "collected";

const REASONS: Readonly<Record<NoEffect, { readonly says: string; readonly remedy: string }>> = {
  planned: {
    says: "is known to Istio, but not yet in effect here",
    remedy: "Do without it until a release puts it into effect.",
  },
  inert: {
    says: "has no effect, in Istio either",
    remedy: "Take it out: nothing reads it.",
  },
  "no waypoints": {
    says: "has no effect here: there are no waypoints",
    remedy: "Choose sidecars by their labels, or a Gateway as target.",
  },
  "at start": {
    says: "takes effect where a proxy starts: it is in what `heddle xds --bootstrap` prints",
    remedy: "Start the proxies anew that it is for.",
  },
  injected: {
    says: "takes effect where a pod is injected: the proxy's container has it",
    remedy:
      "Inject the pods anew that it is for; proxies elsewhere are started with it by whoever starts them.",
  },
  collected: {
    says: "stands for the agent, which collects all telemetry; nothing is sent to the provider itself",
    remedy: "Read it in Heddle, or leave the name as it is.",
  },
};

/** Istio has the field and reads it nowhere. */
function inert(kind: string, path: string): PlannedField {
  return { kind, path, level: "Warning", because: "inert" };
}

const virtualService: readonly PlannedField[] = [
  {
    kind: "VirtualService",
    path: "http[].redirect.redirectCode",
    when: (code) => /^3\d\d$/.test(String(code)) && !/^30[12378]$/.test(String(code)),
    what: (code) => `status ${code as number} of a redirect, which Envoy cannot give,`,
    level: "Error",
  },
];

const envoyFilter: readonly PlannedField[] = [
  {
    kind: "EnvoyFilter",
    path: "configPatches[].applyTo",
    when: (target) => target === "BOOTSTRAP",
    what: () => "a patch of the bootstrap",
    level: "Info",
    because: "at start",
  },
  {
    kind: "EnvoyFilter",
    path: "configPatches[].match.context",
    when: (context) => context === "WAYPOINT",
    what: () => "a patch of waypoints",
    level: "Warning",
    because: "no waypoints",
  },
  {
    kind: "EnvoyFilter",
    path: "configPatches[].match.waypoint",
    level: "Warning",
    because: "no waypoints",
  },
  inert("EnvoyFilter", "configPatches[].match.listener.portName"),
  inert("EnvoyFilter", "configPatches[].patch.filterClass"),
  waypointTarget("EnvoyFilter", "targetRefs[].kind"),
];

const sidecar: readonly PlannedField[] = [
  // Istio has it for what a client sends, and reads it nowhere else.
  ...["inboundConnectionPool", "ingress[].connectionPool"].map((pool) =>
    inert("Sidecar", `${pool}.http.h2UpgradePolicy`),
  ),
];

/** Becomes metadata of the proxy's node. */
const NODE_VARIABLE = /^ISTIO_META_/;

const proxyConfig: readonly PlannedField[] = [
  { kind: "ProxyConfig", path: "concurrency", level: "Info", because: "at start" },
  {
    kind: "ProxyConfig",
    path: "environmentVariables",
    when: (variables) => Object.keys(variables as object).some((name) => NODE_VARIABLE.test(name)),
    what: () => "metadata of the proxy's node",
    level: "Info",
    because: "at start",
  },
  {
    kind: "ProxyConfig",
    path: "environmentVariables",
    when: (variables) =>
      !Object.keys(variables as object).every((name) => NODE_VARIABLE.test(name)),
    what: (variables) =>
      `the variable ${Object.keys(variables as object).find((name) => !NODE_VARIABLE.test(name)) ?? ""}, unlike those of ISTIO_META_,`,
    level: "Info",
    because: "injected",
  },
];

const workloads: readonly PlannedField[] = [
  // Istio copies them to the WorkloadEntries that it makes, where it reads none that a group may have.
  inert("WorkloadGroup", "metadata.annotations"),
  // Each of its workloads has its own, which Istio writes over it.
  inert("WorkloadGroup", "template.address"),
  {
    kind: "WorkloadGroup",
    path: "probe.exec",
    // Machines run an Envoy and nothing else of ours: ignored, requests would go to what is not well.
    what: () => "a probe by a command, which stock Envoy cannot run,",
    level: "Error",
    remedy: "Let the application answer by httpGet, tcpSocket or grpc.",
  },
  {
    kind: "WorkloadGroup",
    path: "probe.tcpSocket.host",
    when: (host) => host !== "" && host !== "localhost" && !isIpAddress(String(host)),
    // Envoy checks addresses; another machine's taken for it, or its own, would say nothing of the one that was meant.
    what: () => "a name in the place of an address to connect to",
    level: "Error",
    remedy: "Give an address, or leave it out for the machine's own.",
  },
];

const wasmPlugin: readonly PlannedField[] = [
  {
    kind: "WasmPlugin",
    path: "verificationKey",
    // Ignored, it would let in a module that nobody has signed.
    what: () => "a key that a module is signed with",
    level: "Error",
    remedy: "Give the module's sha256, which is checked, and leave the key out.",
  },
  ...["targetRef.kind", "targetRefs[].kind"].map((path) => waypointTarget("WasmPlugin", path)),
];

/** Names that nobody takes for something else than the agent; `envoy` is the proxy's own output. */
const OWN_PROVIDERS: ReadonlySet<unknown> = new Set(["heddle", "otel", "prometheus", "envoy"]);

function foreignProvider(path: string): PlannedField {
  return {
    kind: "Telemetry",
    path,
    when: (name) => !OWN_PROVIDERS.has(name),
    what: (name) => `the provider ${String(name)}`,
    level: "Info",
    because: "collected",
  };
}

const telemetry: readonly PlannedField[] = [
  ...["tracing[]", "metrics[]", "accessLogging[]"].map((at) =>
    foreignProvider(`${at}.providers[].name`),
  ),
  {
    kind: "Telemetry",
    path: "metrics[].overrides[].match.customMetric",
    // Istio has no way any more to define one.
    when: (name) => metricNamed(String(name)) === undefined,
    what: (name) => `the metric ${String(name)}, which no proxy counts,`,
    level: "Warning",
    because: "inert",
    remedy: "Name one of Istio's standard metrics.",
  },
  ...["targetRef.kind", "targetRefs[].kind"].map((path) => waypointTarget("Telemetry", path)),
];

const authorizationPolicy: readonly PlannedField[] = [
  ...["targetRef.kind", "targetRefs[].kind"].map((path) =>
    waypointTarget("AuthorizationPolicy", path),
  ),
];

const requestAuthentication: readonly PlannedField[] = ["targetRef.kind", "targetRefs[].kind"].map(
  (path) => waypointTarget("RequestAuthentication", path),
);

function waypointTarget(kind: string, path: string): PlannedField {
  return {
    kind,
    path,
    when: (target) => target === "Service" || target === "ServiceEntry",
    what: (target) => `a ${target as string} as target, which chooses waypoints,`,
    level: "Warning",
    because: "no waypoints",
  };
}

/** The whole table. */
export const plannedFields: readonly PlannedField[] = [
  ...plannedGatewayApi,
  ...virtualService,
  ...envoyFilter,
  ...wasmPlugin,
  ...telemetry,
  ...authorizationPolicy,
  ...requestAuthentication,
  ...sidecar,
  ...proxyConfig,
  ...workloads,
];

/** Names every field of an object that is known and not yet in effect. */
export function checkPlanned(kind: string, spec: unknown, report: Report): void {
  for (const { kind: of, path, when, what, level, because = "planned", remedy } of plannedFields) {
    if (of !== kind) continue;
    const reason = REASONS[because];
    for (const { at, value } of valuesAt(spec, path === "" ? [] : path.split("."), "spec")) {
      if (when && !when(value)) continue;
      report({
        code: "HDL0016",
        level,
        path: at,
        message: `${what ? what(value) : lastName(at)} ${reason.says}`,
        remedy: remedy ?? reason.remedy,
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
