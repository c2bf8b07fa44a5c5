/** The objects of the add-ons that a command line asks for. */
import { randomBytes } from "node:crypto";
import {
  type Addon,
  ADDONS,
  type AddonPlace,
  grafanaObjects,
  type KubernetesObject,
  podMonitor,
  PROMETHEUS,
  PROMETHEUS_PORT,
  prometheusObjects,
} from "@heddle/kube";
import { CliError } from "../output/cli-error.ts";

export interface AddonFlags {
  readonly namespace: string;
  readonly registry?: string;
  readonly pullSecret: readonly string[];
  readonly retention: string;
  readonly storage?: string;
  readonly storageClass?: string;
  /** `true` where no labels were given. */
  readonly podMonitor?: true | string;
  readonly prometheusUrl?: string;
  readonly anonymous?: boolean;
}

const PASSWORD_BYTES = 18;

/** All where none is named. */
export function namedAddons(names: readonly Addon[]): readonly Addon[] {
  return ADDONS.filter((each) => names.length === 0 || names.includes(each));
}

/** Throws HDL9080. A password for Grafana is another one each time. */
export function addonObjects(addons: readonly Addon[], flags: AddonFlags): KubernetesObject[] {
  const { namespace } = flags;
  const place = { namespace, registry: flags.registry ?? "", pullSecrets: flags.pullSecret };
  return addons.flatMap((addon) =>
    addon === "prometheus"
      ? scraper(place, flags)
      : grafanaObjects({
          ...place,
          prometheusUrl: urlOf(flags),
          anonymous: flags.anonymous === true,
          password: randomBytes(PASSWORD_BYTES).toString("base64url"),
        }),
  );
}

function scraper(place: AddonPlace, flags: AddonFlags): KubernetesObject[] {
  const { podMonitor: monitor, retention, storage, storageClass } = flags;
  if (monitor !== undefined) return [podMonitor(place.namespace, labelsIn(monitor))];
  if (storageClass !== undefined && storage === undefined)
    throw wrong("--storage-class is of a volume.", "Give its size with --storage.");
  return prometheusObjects({
    ...place,
    retention,
    ...(storage === undefined
      ? {}
      : { storage: { size: storage, ...(storageClass ? { class: storageClass } : {}) } }),
  });
}

function urlOf({ namespace, podMonitor: monitor, prometheusUrl }: AddonFlags): string {
  if (prometheusUrl === undefined && monitor !== undefined)
    throw wrong(
      "Grafana is to ask the operator's Prometheus, and nobody said where that is.",
      "Give --prometheus-url, such as http://prometheus-operated.monitoring.svc:9090.",
    );
  return prometheusUrl ?? `http://${PROMETHEUS}.${namespace}.svc:${PROMETHEUS_PORT}`;
}

/** `release=monitoring,team=mesh` */
function labelsIn(text: true | string): Record<string, string> {
  if (text === true) return {};
  const pairs = text.split(",").map((each) => each.split("="));
  if (pairs.some((pair) => pair.length !== 2 || pair[0] === ""))
    throw wrong(`--pod-monitor ${text} has no labels.`, "Write them as name=value,name=value.");
  return Object.fromEntries(pairs as [string, string][]);
}

const wrong = (message: string, remedy: string) => new CliError("HDL9080", message, remedy, 2);
