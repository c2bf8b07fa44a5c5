/** The translation without a plane or an agent: from files straight to what one proxy would get. */
import { analyze } from "@heddle/analysis";
import { canonical, merge } from "@heddle/envoy";
import {
  type Diagnostic,
  effectiveProxyConfig,
  type MeshObject,
  objectKey,
  type Pod,
  type ProxyConfig,
} from "@heddle/model";
import {
  createTranslator,
  type MeshSettings,
  parseNode,
  type ProxyDescription,
  type ProxyView,
  staticBootstrap,
} from "@heddle/translate";
import { CliError } from "../output/cli-error.ts";
import type { InputFile } from "../commands/input.ts";
import { loadFiles } from "./load.ts";
import type { MeshConfig } from "./mesh-config.ts";

export interface OfflineOptions {
  /** `pod.namespace` */
  readonly proxy: string;
  /** What the command line says of the mesh; it has the word over `meshConfig`. */
  readonly trustDomain?: string | undefined;
  readonly trustDomainAliases?: readonly string[];
  readonly meshConfig?: MeshConfig | undefined;
}

export interface OfflineXds {
  readonly resources: {
    readonly listeners: object[];
    readonly routes: object[];
    readonly clusters: object[];
    readonly endpoints: object[];
    readonly secrets: object[];
  };
  readonly diagnostics: readonly Diagnostic[];
  bootstrap(): unknown;
  /** Worker threads that ProxyConfigs ask for; undefined where none does. */
  readonly concurrency: number | undefined;
}

/** Variables of this prefix are the node's metadata, under the rest of their names. */
const META = "ISTIO_META_";

const MESH = {
  name: "offline",
  trustDomain: "cluster.local",
  rootNamespace: "istio-system",
  outboundTrafficPolicy: "ALLOW_ANY",
  traceSampling: 1,
  accessLog: true,
  clusterDomain: "cluster.local",
} as const;

/** Throws HDL9045 where the files hold no such pod. */
export function offlineXds(files: readonly InputFile[], options: OfflineOptions): OfflineXds {
  const { objects: found, diagnostics } = loadFiles(files, "default");
  const { meshConfig } = options;
  const mesh = meshOf(options);
  const { metadata, proxy, config } = describeProxy(
    found.map(({ object }) => object),
    options.proxy,
    { rootNamespace: mesh.rootNamespace, proxies: meshConfig?.proxies ?? {} },
  );
  const translator = createTranslator({ mesh, envoyApi: { canonical, merge } });
  translator.apply(found.map(({ object }) => ({ key: objectKey(object), object })));
  const view = translator.view(proxy);
  return {
    resources: {
      listeners: values(view, "listener"),
      routes: values(view, "route"),
      clusters: values(view, "cluster"),
      endpoints: values(view, "endpoint"),
      secrets: view.secrets().map((name) => ({ name })),
    },
    diagnostics: [
      ...(meshConfig?.diagnostics ?? []),
      ...diagnostics,
      ...analyze(found, { rootNamespace: mesh.rootNamespace }),
      ...translator.diagnostics(),
    ],
    bootstrap: () => staticBootstrap(proxy, view, { metadata }),
    concurrency: config.concurrency,
  };
}

function meshOf({
  trustDomain,
  trustDomainAliases = [],
  meshConfig,
}: OfflineOptions): MeshSettings {
  const { settings = {} } = meshConfig ?? {};
  const aliases = [...(settings.trustDomainAliases ?? []), ...trustDomainAliases];
  return {
    ...MESH,
    ...settings,
    ...(trustDomain === undefined ? {} : { trustDomain }),
    ...(aliases.length > 0 ? { trustDomainAliases: aliases } : {}),
  };
}

function values(view: ProxyView, type: Parameters<ProxyView["resources"]>[0]): object[] {
  return [...view.resources(type).entries()]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, value]) => value as object);
}

interface OfflineProxy {
  readonly proxy: ProxyDescription;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly config: ReturnType<typeof effectiveProxyConfig>;
}

function describeProxy(
  objects: readonly MeshObject[],
  name: string,
  defaults: { readonly rootNamespace: string; readonly proxies: MeshConfig["proxies"] },
): OfflineProxy {
  const pods = objects.filter((object): object is MeshObject<Pod> => object.kind === "Pod");
  const pod = pods.find(({ metadata }) => `${metadata.name}.${metadata.namespace}` === name);
  if (!pod) {
    const known = pods.map(({ metadata }) => `${metadata.name}.${metadata.namespace}`);
    throw new CliError(
      "HDL9045",
      `The files hold no Pod ${name}.`,
      known.length > 0 ? `There are: ${known.join(", ")}.` : "Add the Pod's own resource with -f.",
    );
  }
  const { metadata, spec } = pod;
  const address = spec.status?.podIP ?? "0.0.0.0";
  const router =
    "istio" in metadata.labels && metadata.labels["istio"]?.endsWith("gateway") === true;
  const own = effectiveProxyConfig(
    objects.filter((each): each is MeshObject<ProxyConfig> => each.kind === "ProxyConfig"),
    {
      namespace: metadata.namespace,
      labels: metadata.labels,
      rootNamespace: defaults.rootNamespace,
    },
  );
  const config = {
    ...defaults.proxies,
    ...own,
    environmentVariables: {
      ...defaults.proxies.environmentVariables,
      ...own.environmentVariables,
    },
  };
  const given = Object.entries(config.environmentVariables)
    .filter(([variable]) => variable.startsWith(META))
    .map(([variable, value]) => [variable.slice(META.length), value] as const);
  const node = {
    id: `${router ? "router" : "sidecar"}~${address}~${name}~${metadata.namespace}.svc.cluster.local`,
    metadata: {
      ...Object.fromEntries(given),
      NAMESPACE: metadata.namespace,
      LABELS: metadata.labels,
      SERVICE_ACCOUNT: spec.serviceAccountName ?? "default",
      INSTANCE_IPS: address,
    },
  };
  return { proxy: parseNode(node), metadata: Object.fromEntries(given), config };
}
