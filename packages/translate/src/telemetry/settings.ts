/** What Telemetry objects ask of a workload's proxy: which metrics and labels, which requests are logged, and how they are traced. */
import {
  byAge,
  COUNTED_WHEN_NAMED,
  type CountedMetric,
  type CustomTag,
  METRIC_NAMES,
  metricNamed,
  type MeshObject,
  objectKey,
  parseDuration,
  selects,
  type Telemetry,
  type WorkloadMode,
} from "@heddle/model";
import type { ProxyDescription } from "../proxy.ts";
import { derivation, type ModelReader } from "../read.ts";
import type { Leg } from "./labels.ts";

/** The side of a request that a proxy is on; a gateway is its requests' client. */
export type TelemetrySide = "CLIENT" | "SERVER";

const METRICS = Object.keys(METRIC_NAMES) as CountedMetric[];

/** One side of a workload. */
export interface SideSettings {
  readonly metrics: Readonly<Record<CountedMetric, MetricSettings>>;
  /** How often bytes of connections that go on are told, in milliseconds. */
  readonly reportingMs: number;
  readonly log: LogSettings;
  readonly tracing: TracingSettings;
}

export interface MetricSettings {
  readonly disabled: boolean;
  /** A CEL expression for each label that is set, null for one that is taken off. */
  readonly tags: Readonly<Record<string, string | null>>;
}

export interface LogSettings {
  /** `default`: as the mesh is set. */
  readonly to: "default" | readonly LogTarget[];
  /** A CEL expression: what it is true for is logged. */
  readonly filter?: string;
}

/** `stdout`: lines of text of the proxy itself, Istio's provider `envoy`. `agent`: records, to Heddle. */
export type LogTarget = "stdout" | "agent";

export interface TracingSettings {
  /** 0 to 100; the mesh's where it is left out. */
  readonly sampling?: number;
  readonly silent?: boolean;
  readonly noPropagation?: boolean;
  readonly tags?: Readonly<Record<string, CustomTag>>;
  /** Envoy's own default, true, where it is left out. */
  readonly byRequestId?: boolean;
  /** False: without the tags that Istio's proxies give their spans. */
  readonly istioTags?: boolean;
}

export type TelemetrySettings = Readonly<Record<TelemetrySide, SideSettings>>;

export function sideOf(leg: Leg): TelemetrySide {
  return leg === "outbound" ? "CLIENT" : "SERVER";
}

/** Names the objects that decide for a workload; empty for none. Proxies with equal names share what is made of them. */
export function telemetryNames(read: ModelReader, proxy: ProxyDescription): string {
  const root = read.mesh.rootNamespace;
  const oldest: (MeshObject<Telemetry> | undefined)[] = [undefined, undefined, undefined];
  for (const object of read.telemetries(proxy)) {
    const { selector, targetRef, targetRefs = [] } = object.spec;
    const own = object.metadata.namespace === proxy.namespace;
    const narrow =
      selects(selector?.matchLabels) || targetRef !== undefined || targetRefs.length > 0;
    // A selector picks workloads of the object's own namespace, in the root namespace too.
    if (narrow && !own) continue;
    const level = narrow ? 2 : object.metadata.namespace === root ? 0 : 1;
    const known = oldest[level];
    if (known === undefined || byAge(object, known) < 0) oldest[level] = object;
  }
  const keys = oldest.flatMap((object) => (object ? [objectKey(object)] : []));
  return keys.length === 0 ? "" : JSON.stringify(keys);
}

/** By `telemetryNames`: mesh, namespace and workload, the narrower deciding where it says something. */
export const telemetrySettings = derivation<string, TelemetrySettings>(
  "telemetry/settings",
  (names) => names,
  (read, names) => {
    const keys = names === "" ? [] : (JSON.parse(names) as string[]);
    const specs = keys.flatMap((key) => read.object<Telemetry>(key)?.spec ?? []);
    return { CLIENT: settingsOf(specs, "CLIENT"), SERVER: settingsOf(specs, "SERVER") };
  },
);

function settingsOf(specs: readonly Telemetry[], side: TelemetrySide): SideSettings {
  return {
    metrics: metricsOf(specs, side),
    reportingMs: reportingOf(specs),
    log: logOf(specs, side),
    tracing: tracingOf(specs, side),
  };
}

function isFor(mode: WorkloadMode | undefined, side: TelemetrySide): boolean {
  return mode === undefined || mode === "CLIENT_AND_SERVER" || mode === side;
}

function metricsOf(specs: readonly Telemetry[], side: TelemetrySide): SideSettings["metrics"] {
  const overrides = specs
    .flatMap(({ metrics = [] }) => metrics)
    .flatMap((each) => each.overrides ?? [])
    .filter(({ match }) => isFor(match?.mode, side));
  const settled = (metric: CountedMetric): MetricSettings => {
    let disabled = false;
    let named = !COUNTED_WHEN_NAMED.has(metric);
    const tags: Record<string, string | null> = {};
    for (const { match, disabled: off, tagOverrides = {} } of overrides) {
      const of =
        match?.customMetric === undefined
          ? (match?.metric ?? "ALL_METRICS")
          : metricNamed(match.customMetric);
      if (of !== "ALL_METRICS" && of !== metric) continue;
      named ||= of === metric;
      disabled = off ?? disabled;
      for (const [tag, { operation = "UPSERT", value = "" }] of Object.entries(tagOverrides))
        tags[tag] = operation === "REMOVE" ? null : value;
    }
    return { disabled: disabled || !named, tags };
  };
  return Object.fromEntries(METRICS.map((metric) => [metric, settled(metric)])) as Record<
    CountedMetric,
    MetricSettings
  >;
}

/** Istio's, and its default, five seconds; the narrowest level that says one decides, for both sides. */
function reportingOf(specs: readonly Telemetry[]): number {
  const said = specs
    .flatMap(({ metrics = [] }) => metrics)
    .findLast(({ reportingInterval }) => reportingInterval !== undefined);
  return parseDuration(said?.reportingInterval ?? "5s");
}

/** The narrowest level that speaks of this side decides on where to; a filter counts until a narrower one takes its place. */
function logOf(specs: readonly Telemetry[], side: TelemetrySide): LogSettings {
  let to: LogSettings["to"] = "default";
  let filter: string | undefined;
  for (const { accessLogging = [] } of specs) {
    const own = accessLogging.filter(({ match }) => isFor(match?.mode, side));
    const named = own.filter(({ providers = [] }) => providers.length > 0);
    if (named.length > 0) {
      const targets = new Set<LogTarget>();
      for (const { providers = [], disabled } of named) {
        for (const { name } of providers) {
          const target = name === "envoy" ? "stdout" : "agent";
          if (disabled) targets.delete(target);
          else targets.add(target);
        }
      }
      to = [...targets];
    }
    for (const each of own) {
      if ((each.providers ?? []).length === 0) {
        if (each.disabled) to = [];
        else if (Array.isArray(to) && to.length === 0 && each.disabled === false) to = "default";
      }
      filter = each.filter?.expression || filter;
    }
  }
  return { to, ...(filter === undefined ? {} : { filter }) };
}

function tracingOf(specs: readonly Telemetry[], side: TelemetrySide): TracingSettings {
  let settings: TracingSettings = {};
  for (const { tracing = [] } of specs) {
    for (const each of tracing) {
      if (!isFor(each.match?.mode, side)) continue;
      settings = {
        ...settings,
        ...(each.randomSamplingPercentage === undefined
          ? {}
          : { sampling: each.randomSamplingPercentage }),
        ...(each.disableSpanReporting === undefined ? {} : { silent: each.disableSpanReporting }),
        ...(each.disableContextPropagation === undefined
          ? {}
          : { noPropagation: each.disableContextPropagation }),
        ...(each.customTags === undefined ? {} : { tags: each.customTags }),
        ...(each.useRequestIdForTraceSampling === undefined
          ? {}
          : { byRequestId: each.useRequestIdForTraceSampling }),
        ...(each.enableIstioTags === undefined ? {} : { istioTags: each.enableIstioTags }),
      };
    }
  }
  return settings;
}
