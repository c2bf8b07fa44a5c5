/** What a pod's annotations ask of its proxy, beside what is led to it. */
import type { Report } from "./finding.ts";
import { checkedImage } from "./image.ts";
import type { Resources, Volume, VolumeMount } from "./pod.ts";
import type { ReadinessTiming } from "./proxy-container.ts";

export interface Wishes {
  readonly image: string | undefined;
  readonly imageType: string | undefined;
  readonly interceptionMode: string | undefined;
  readonly rewriteProbes: boolean;
  readonly native: boolean | undefined;
  readonly logLevel: string;
  readonly componentLogLevel: string | undefined;
  readonly statusPort: number | undefined;
  readonly bindsLowPorts: boolean;
  /** Undefined where the pod asks for none: then what the injector was told counts, else these alone. */
  readonly resources: Resources | undefined;
  readonly readiness: ReadinessTiming;
  readonly volumes: readonly Volume[];
  readonly mounts: readonly VolumeMount[];
}

type Annotations = Readonly<Record<string, string>>;

const LOG_LEVELS = ["trace", "debug", "info", "warning", "warn", "error", "critical", "off"];
/** A Kubernetes quantity that is not negative. */
const QUANTITY = /^\+?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+|[numkMGTPE]|[KMGTPE]i)?$/;
const COMPONENT_LEVELS = /^[a-z0-9_]+:[a-z]+(?:,[a-z0-9_]+:[a-z]+)*$/;

export function wishesOf(annotations: Annotations, report: Report): Wishes {
  const wrong = (name: string, wanted: string) => {
    report({
      code: "HDL6003",
      level: "Error",
      path: "metadata.annotations",
      message: `${name}: ${JSON.stringify(annotations[name])} is not what stands there`,
      remedy: `Give ${wanted}.`,
    });
    return undefined;
  };
  const truth = (name: string): boolean | undefined => {
    const text = annotations[name];
    if (text === undefined) return undefined;
    if (/^(?:true|1|t)$/i.test(text)) return true;
    return /^(?:false|0|f)$/i.test(text) ? false : wrong(name, "true or false");
  };
  const word = (name: string, known: readonly string[]): string | undefined => {
    const text = annotations[name];
    return text === undefined || known.includes(text) ? text : wrong(name, known.join(", "));
  };
  const count = (name: string, most: number): number | undefined => {
    const text = annotations[name];
    if (text === undefined) return undefined;
    return /^\d{1,9}$/.test(text) && Number(text) <= most
      ? Number(text)
      : wrong(name, `a whole number from 0 to ${most}`);
  };
  const quantity = (name: string): string | undefined => {
    const text = annotations[name];
    return text === undefined || QUANTITY.test(text)
      ? text
      : wrong(name, "a quantity such as 100m or 128Mi");
  };
  const named = <T extends { readonly name: string }>(name: string): readonly T[] => {
    const text = annotations[name];
    if (text === undefined) return [];
    return namedItems<T>(text) ?? wrong(name, 'JSON such as {"data": {…}}') ?? [];
  };
  const image = annotations["sidecar.istio.io/proxyImage"];
  const levels = annotations["sidecar.istio.io/componentLogLevel"];
  const readiness = (field: string) => count(`readiness.status.sidecar.istio.io/${field}`, 86_400);
  return {
    image: image === undefined || image === "" ? undefined : checkedImage(image, report),
    imageType: word("sidecar.istio.io/proxyImageType", ["default", "distroless", "debug"]),
    interceptionMode: word("sidecar.istio.io/interceptionMode", ["REDIRECT", "NONE"]),
    rewriteProbes: truth("sidecar.istio.io/rewriteAppHTTPProbers") ?? true,
    native: truth("sidecar.istio.io/nativeSidecar"),
    logLevel: word("sidecar.istio.io/logLevel", LOG_LEVELS) ?? "warning",
    componentLogLevel:
      levels === undefined || levels === "" || levels === "misc:error"
        ? undefined
        : COMPONENT_LEVELS.test(levels)
          ? levels
          : wrong("sidecar.istio.io/componentLogLevel", "component:level, separated by commas"),
    statusPort: count("status.sidecar.istio.io/port", 65_535),
    bindsLowPorts: truth("sidecar.istio.io/capNetBindService") ?? false,
    resources: resourcesOf({
      requests: {
        cpu: quantity("sidecar.istio.io/proxyCPU"),
        memory: quantity("sidecar.istio.io/proxyMemory"),
      },
      limits: {
        cpu: quantity("sidecar.istio.io/proxyCPULimit"),
        memory: quantity("sidecar.istio.io/proxyMemoryLimit"),
      },
    }),
    readiness: {
      initialDelaySeconds: readiness("initialDelaySeconds") ?? 0,
      periodSeconds: readiness("periodSeconds") ?? 15,
      failureThreshold: readiness("failureThreshold") ?? 4,
    },
    volumes: named<Volume>("sidecar.istio.io/userVolume"),
    mounts: named<VolumeMount>("sidecar.istio.io/userVolumeMount"),
  };
}

type Asked = Readonly<Record<"requests" | "limits", Readonly<Record<string, string | undefined>>>>;

function resourcesOf(asked: Asked): Resources | undefined {
  const kinds = Object.entries(asked).flatMap(([kind, amounts]) => {
    const given = Object.entries(amounts).filter(([, amount]) => amount !== undefined);
    return given.length > 0 ? [[kind, Object.fromEntries(given)]] : [];
  });
  return kinds.length > 0 ? (Object.fromEntries(kinds) as Resources) : undefined;
}

/** A list of things with names, or their names with what they are; undefined where it is neither. */
function namedItems<T extends { readonly name: string }>(text: string): readonly T[] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const items = Array.isArray(value)
    ? (value as unknown[])
    : Object.entries(value).map(([name, source]) =>
        typeof source === "object" && source !== null ? { name, ...(source as object) } : undefined,
      );
  const isNamed = (item: unknown): item is T =>
    typeof item === "object" &&
    item !== null &&
    typeof (item as { name?: unknown }).name === "string";
  return items.every(isNamed) ? items : undefined;
}
