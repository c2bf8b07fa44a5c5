/** How one proxy is run: the fields of Istio's ProxyConfig (mesh/v1alpha1) out of a mesh's defaults, a pod's annotation and ProxyConfig objects. */
import { durationOf, isFields, nearest, type ProxyConfig } from "@heddle/model";
import type { Report } from "./finding.ts";

export type ImageType = "default" | "distroless" | "debug";

export interface ProxySettings {
  /** Worker threads; 0 is one for each core. */
  readonly concurrency?: number;
  /** Variables; those of `ISTIO_META_` become metadata of the node. */
  readonly proxyMetadata?: Readonly<Record<string, string>>;
  readonly imageType?: string;
  /** The application's containers start when the proxy is ready. */
  readonly holdApplicationUntilProxyStarts?: boolean;
  /** How long a proxy serves on after its pod's end has begun, milliseconds. */
  readonly terminationDrainDuration?: number;
  /** How long a listener that goes still takes requests, milliseconds. */
  readonly drainDuration?: number;
  readonly interceptionMode?: string;
  /** Where probes of the application are answered; 0: they are not. */
  readonly statusPort?: number;
  readonly proxyAdminPort?: number;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Undefined where the value stands in order; else what should stand there. */
type Read = (value: unknown, into: Mutable<ProxySettings>) => string | undefined;

const number =
  (field: "concurrency" | "statusPort" | "proxyAdminPort", most: number): Read =>
  (value, into) => {
    if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > most)
      return "a whole number from 0 on";
    into[field] = value;
    return undefined;
  };

const duration =
  (field: "terminationDrainDuration" | "drainDuration"): Read =>
  (value, into) => {
    const milliseconds = typeof value === "string" ? durationOf(value) : undefined;
    if (milliseconds === undefined || milliseconds < 0) return "a duration such as 5s";
    into[field] = milliseconds;
    return undefined;
  };

const IMAGE_TYPES: readonly string[] = ["default", "distroless", "debug"];

export const isImageType = (text: string): text is ImageType => IMAGE_TYPES.includes(text);

const READS: Readonly<Record<string, Read>> = {
  concurrency: number("concurrency", 1024),
  statusPort: number("statusPort", 65_535),
  proxyAdminPort: number("proxyAdminPort", 65_535),
  terminationDrainDuration: duration("terminationDrainDuration"),
  drainDuration: duration("drainDuration"),
  holdApplicationUntilProxyStarts: (value, into) => {
    if (typeof value !== "boolean") return "true or false";
    into.holdApplicationUntilProxyStarts = value;
    return undefined;
  },
  interceptionMode: (value, into) => {
    if (value !== "REDIRECT" && value !== "NONE") return "REDIRECT or NONE";
    into.interceptionMode = value;
    return undefined;
  },
  proxyMetadata: (value, into) => {
    if (!isFields(value)) return "names and texts";
    into.proxyMetadata = Object.fromEntries(
      Object.entries(value).map(([name, each]) => [name, String(each)]),
    );
    return undefined;
  },
  image: (value, into) => {
    const type = (value as { imageType?: unknown } | null)?.imageType;
    if (type === undefined || type === "") return undefined;
    if (typeof type !== "string" || !isImageType(type))
      return `imageType: ${IMAGE_TYPES.join(", ")}`;
    into.imageType = type;
    return undefined;
  },
};

/** Fields that are in effect where a pod is injected. */
export const READ_PROXY_FIELDS: readonly string[] = Object.keys(READS);

/** Fields that Istio has and that do nothing at a pod here. */
export const IDLE_PROXY_FIELDS: readonly string[] = [
  ...["availabilityZone", "binaryPath", "caCertificatesPem", "configPath"],
  ...["controlPlaneAuthPolicy", "customConfigFile", "discoveryAddress", "discoveryRefreshDelay"],
  ...["envoyAccessLogService", "envoyMetricsService", "extraStatTags", "fileFlushInterval"],
  ...["fileFlushMinSizeKb", "gatewayTopology", "meshId", "parentShutdownDuration"],
  ...["privateKeyProvider", "proxyBootstrapTemplatePath", "proxyHeaders", "proxyStatsMatcher"],
  ...["readinessProbe", "runtimeValues", "sds", "serviceCluster", "statNameLength"],
  ...["statsCompression", "statsdUdpAddress", "tracing", "tracingServiceName", "zipkinAddress"],
];

/** Whether a field is one of those that `readProxyField` puts into effect. */
export function readProxyField(
  name: string,
  value: unknown,
  into: Mutable<ProxySettings>,
): string | undefined {
  return READS[name]?.(value, into);
}

/** Of a pod's annotation `proxy.istio.io/config`, or of a mesh's `defaultConfig`, already parsed. */
export function readProxySettings(value: unknown, path: string, report: Report): ProxySettings {
  const into: Mutable<ProxySettings> = {};
  const wrong = (message: string, remedy: string) =>
    report({ code: "HDL6003", level: "Error", path, message, remedy });
  if (!isFields(value)) {
    if (value !== undefined && value !== null)
      wrong(`${path} holds no fields`, "Write it as YAML, such as concurrency: 2.");
    return into;
  }
  for (const [name, inner] of Object.entries(value)) {
    if (Object.hasOwn(READS, name)) {
      const wanted = readProxyField(name, inner, into);
      if (wanted !== undefined)
        wrong(
          `${name}: ${JSON.stringify(inner)} of ${path} is not what stands there`,
          `Give ${wanted}.`,
        );
    } else if (IDLE_PROXY_FIELDS.includes(name)) {
      report({
        code: "HDL6002",
        level: "Warning",
        path,
        message: `${name} of ${path} has no effect here`,
        remedy: "Take it out.",
      });
    } else {
      const near = nearest(name, [...READ_PROXY_FIELDS, ...IDLE_PROXY_FIELDS]);
      wrong(
        `ProxyConfig has no field ${name}`,
        near === undefined ? "Take it out." : `Did you mean ${near}?`,
      );
    }
  }
  return into;
}

/** What a ProxyConfig object says, as `effectiveProxyConfig` gives it. */
export function settingsOfObject({
  concurrency,
  environmentVariables,
  image,
}: Omit<ProxyConfig, "selector">): ProxySettings {
  return {
    ...(concurrency === undefined ? {} : { concurrency }),
    ...(environmentVariables === undefined ? {} : { proxyMetadata: environmentVariables }),
    ...(image?.imageType ? { imageType: image.imageType } : {}),
  };
}

/** Later ones have the word, for variables name by name. */
export function mergeSettings(...levels: readonly ProxySettings[]): ProxySettings {
  return levels.reduce(
    (merged, level) => ({
      ...merged,
      ...level,
      ...(merged.proxyMetadata || level.proxyMetadata
        ? { proxyMetadata: { ...merged.proxyMetadata, ...level.proxyMetadata } }
        : {}),
    }),
    {},
  );
}
