/** The fields of Istio's MeshConfig (mesh/v1alpha1), each with what it becomes here, or `planned` where that is nothing yet. */
import {
  IDLE_PROXY_FIELDS,
  type ProxySettings,
  READ_PROXY_FIELDS,
  readProxyField,
} from "@heddle/injection";
import { type Diagnostic, type ExtensionProvider, readExtensionProvider } from "@heddle/model";
import type { MeshSettings } from "@heddle/translate";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export interface MeshSettingsFound {
  readonly settings: Mutable<Partial<MeshSettings>>;
  /** What holds for each proxy where no ProxyConfig says otherwise, as it counts where proxies are put into pods. */
  readonly pods: Mutable<ProxySettings>;
}

export type Report = (
  code: string,
  level: Diagnostic["level"],
  message: string,
  remedy: string,
) => void;

type Read = (value: unknown, into: MeshSettingsFound, report: Report) => void;

export type Reads = Readonly<Record<string, Read | "planned">>;

const text =
  (set: (into: MeshSettingsFound, value: string) => void): Read =>
  (value, into, report) => {
    if (typeof value === "string") set(into, value);
    else wrong(value, "a text", report);
  };

const oneOf =
  <T extends string>(
    values: readonly T[],
    set: (into: MeshSettingsFound, value: T) => void,
  ): Read =>
  (value, into, report) => {
    const found = values.find((each) => each === value);
    if (found === undefined) wrong(value, values.join(", "), report);
    else set(into, found);
  };

const texts =
  (set: (into: MeshSettingsFound, value: readonly string[]) => void): Read =>
  (value, into, report) => {
    if (Array.isArray(value) && value.every((each) => typeof each === "string")) set(into, value);
    else wrong(value, "a list of texts", report);
  };

const number =
  (most: number, set: (into: MeshSettingsFound, value: number) => void): Read =>
  (value, into, report) => {
    if (typeof value === "number" && value >= 0 && value <= most) set(into, value);
    else wrong(value, `a number from 0${most === Infinity ? " on" : ` to ${most}`}`, report);
  };

/** A field of an object, which is all of it that has a setting here. */
const only =
  (field: string, read: Read): Read =>
  (value, into, report) => {
    if (typeof value !== "object" || value === null) return wrong(value, "an object", report);
    for (const [name, inner] of Object.entries(value))
      if (name === field) read(inner, into, report);
      else report("HDL0016", "Warning", `Its ${name} has no effect here.`, "Do without the field.");
  };

function wrong(value: unknown, wanted: string, report: Report): void {
  report(
    "HDL0011",
    "Error",
    `${JSON.stringify(value)} is not what stands here.`,
    `Give ${wanted}.`,
  );
}

/** Says nothing where the value is what holds here anyway. */
const always =
  (holds: unknown, why: string): Read =>
  (value, _, report) => {
    if (value !== holds) report("HDL0016", "Warning", why, "Do without the field.");
  };

/**
 * Providers that authorization policies may name, and the names of others. One that cannot be asked is left out, as are two of one
 * name: as in Istio the mesh goes on without, and policies that name it refuse what they are for.
 */
function readProviders(values: readonly unknown[], report: Report) {
  const authorizers: ExtensionProvider[] = [];
  const others: string[] = [];
  const names = values.map((value) => String((value as { name?: unknown } | null)?.name));
  for (const [index, value] of values.entries()) {
    const name = names[index]!;
    if (!Object.keys(value ?? {}).some((key) => key.startsWith("envoyExtAuthz"))) {
      others.push(name);
      continue;
    }
    const read = readExtensionProvider(value);
    const twice = names.filter((each) => each === name).length > 1;
    if ("provider" in read && !twice) {
      authorizers.push(read.provider);
      continue;
    }
    const [wrong] = "wrong" in read ? read.wrong : [];
    report(
      "HDL0040",
      "Warning",
      `Provider ${name} cannot be asked: ${wrong?.message ?? "its name stands twice"}. What policies ask of it is refused.`,
      wrong?.remedy ?? "Rename one of them.",
    );
  }
  return { authorizers, others };
}

export const FIELDS: Reads = {
  trustDomain: text(({ settings }, value) => void (settings.trustDomain = value)),
  trustDomainAliases: texts(({ settings }, value) => void (settings.trustDomainAliases = value)),
  rootNamespace: text(({ settings }, value) => void (settings.rootNamespace = value)),
  outboundTrafficPolicy: only(
    "mode",
    oneOf(
      ["REGISTRY_ONLY", "ALLOW_ANY"],
      ({ settings }, value) => void (settings.outboundTrafficPolicy = value),
    ),
  ),
  ingressClass: text(({ settings }, value) => void (settings.ingressClass = value)),
  ingressService: text(({ settings }, value) => void (settings.ingressService = value)),
  ingressSelector: text(({ settings }, value) => void (settings.ingressSelector = value)),
  ingressControllerMode: oneOf(
    ["UNSPECIFIED", "OFF", "DEFAULT", "STRICT"],
    ({ settings }, value) => {
      if (value !== "UNSPECIFIED") settings.ingressControllerMode = value;
    },
  ),
  // Where logs go and how they look is the plane's; the field says whether there are any.
  accessLogFile: text(({ settings }, value) => void (settings.accessLog = value !== "")),
  enableTracing: (value, { settings }, report) => {
    if (typeof value !== "boolean") wrong(value, "true or false", report);
    else if (!value) settings.traceSampling = 0;
  },
  enableAutoMtls: always(true, "Mutual TLS between workloads is always found out by itself here."),
  extensionProviders: (value, { settings }, report) => {
    if (!Array.isArray(value)) return wrong(value, "a list", report);
    const { authorizers, others } = readProviders(value, report);
    if (authorizers.length > 0) settings.extensionProviders = authorizers;
    if (others.length === 0) return;
    report(
      "HDL0016",
      "Info",
      `Providers of telemetry are not called: ${others.join(", ")}.`,
      "Metrics, traces and access logs go to the plane all the same.",
    );
  },
  // Its own fields are below.
  defaultConfig: (value, _, report) => {
    if (typeof value !== "object" || value === null) wrong(value, "an object", report);
  },
  ...planned([
    ...["accessLogEncoding", "accessLogFormat", "ca", "caCertificates", "certificates"],
    ...["configSources", "connectTimeout", "defaultDestinationRuleExportTo"],
    ...["defaultHttpRetryPolicy", "defaultProviders", "defaultServiceExportTo"],
    ...["defaultVirtualServiceExportTo", "disableEnvoyListenerLog", "discoverySelectors"],
    ...["dnsRefreshRate", "enableEnvoyAccessLogService", "enablePrometheusMerge"],
    ...["h2UpgradePolicy", "hboneIdleTimeout", "inboundClusterStatName", "inboundTrafficPolicy"],
    ...["localityLbSetting", "meshMTLS", "outboundClusterStatName", "pathNormalization"],
    ...["proxyHttpPort", "proxyInboundListenPort", "proxyListenPort", "serviceScopeConfigs"],
    ...["serviceSettings", "tcpKeepalive", "thriftConfig", "tlsDefaults"],
    "verifyCertificateAtClient",
  ]),
};

/** Fields of the proxies themselves. */
export const PROXY_FIELDS: Reads = {
  ...planned(IDLE_PROXY_FIELDS),
  ...Object.fromEntries(
    READ_PROXY_FIELDS.map((name): [string, Read] => [
      name,
      (value, { pods }, report) => {
        const wanted = readProxyField(name, value, pods);
        if (wanted !== undefined) wrong(value, wanted, report);
      },
    ]),
  ),
  concurrency: number(Infinity, ({ pods }, value) => void (pods.concurrency = value)),
  tracing: only(
    "sampling",
    number(100, ({ settings }, value) => void (settings.traceSampling ??= value)),
  ),
};

function planned(names: readonly string[]): Record<string, "planned"> {
  return Object.fromEntries(names.map((name) => [name, "planned"]));
}
