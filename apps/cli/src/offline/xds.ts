/** The translation without a plane or an agent: from files straight to what one proxy would get. */
import { analyze } from "@heddle/analysis";
import { canonical, merge } from "@heddle/envoy";
import {
  type Diagnostic,
  effectiveProxyConfig,
  groupOfEntry,
  type MeshObject,
  objectKey,
  type Pod,
  type ProxyConfig,
  withGroup,
  type WorkloadEntry,
  type WorkloadGroup,
} from "@heddle/model";
import {
  createTranslator,
  MESH_DEFAULTS,
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
  /** `pod.namespace`, or a WorkloadEntry's `name.namespace`. */
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

const MESH = { ...MESH_DEFAULTS, name: "offline" } as const;

/** Throws HDL9045 where the files hold no such pod or WorkloadEntry. */
export function offlineXds(files: readonly InputFile[], options: OfflineOptions): OfflineXds {
  const { objects: found, diagnostics } = loadFiles(files, "default");
  const { meshConfig } = options;
  const mesh = meshOf(options);
  const { metadata, proxy, config, healthChecks } = describeProxy(
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
      ...analyze(found, {
        rootNamespace: mesh.rootNamespace,
        extensionProviders: mesh.extensionProviders ?? [],
      }),
      ...translator.diagnostics(),
    ],
    bootstrap: () => staticBootstrap(proxy, view, { metadata, healthChecks }),
    concurrency: config.concurrency,
  };
}

export function meshOf({
  trustDomain,
  trustDomainAliases = [],
  meshConfig,
}: Omit<OfflineOptions, "proxy">): MeshSettings {
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
  /** Whether the agent is to be asked what to check. */
  readonly healthChecks: boolean;
}

export function describeProxy(
  objects: readonly MeshObject[],
  name: string,
  defaults: { readonly rootNamespace: string; readonly proxies: MeshConfig["proxies"] },
): OfflineProxy {
  const { metadata, address, serviceAccount, healthChecks } = workloadNamed(objects, name);
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
      SERVICE_ACCOUNT: serviceAccount,
      INSTANCE_IPS: address,
    },
  };
  return { proxy: parseNode(node), metadata: Object.fromEntries(given), config, healthChecks };
}

interface OfflineWorkload {
  readonly metadata: MeshObject["metadata"];
  readonly address: string;
  readonly serviceAccount: string;
  readonly healthChecks: boolean;
}

/** A pod comes before a machine of its name. */
function workloadNamed(objects: readonly MeshObject[], name: string): OfflineWorkload {
  const ofKind = <Spec>(kind: string) =>
    objects.filter((object): object is MeshObject<Spec> => object.kind === kind);
  const nameOf = ({ metadata }: MeshObject) => `${metadata.name}.${metadata.namespace}`;
  const pods = ofKind<Pod>("Pod");
  const pod = pods.find((each) => nameOf(each) === name);
  if (pod !== undefined) {
    const { metadata, spec } = pod;
    return {
      metadata,
      address: spec.status?.podIP ?? "0.0.0.0",
      serviceAccount: spec.serviceAccountName ?? "default",
      healthChecks: false,
    };
  }
  const entries = ofKind<WorkloadEntry>("WorkloadEntry");
  const entry = entries.find((each) => nameOf(each) === name);
  if (entry !== undefined) {
    const group = ofKind<WorkloadGroup>("WorkloadGroup").find(
      (each) => nameOf(each) === `${groupOfEntry(entry) ?? ""}.${entry.metadata.namespace}`,
    );
    const { metadata, spec } = withGroup(entry, group);
    return {
      metadata,
      address: spec.address || "0.0.0.0",
      serviceAccount: spec.serviceAccount || "default",
      healthChecks: group?.spec.probe !== undefined,
    };
  }
  const known = [...pods, ...entries].map(nameOf);
  throw new CliError(
    "HDL9045",
    `The files hold no Pod or WorkloadEntry ${name}.`,
    known.length > 0 ? `There are: ${known.join(", ")}.` : "Add the Pod's own resource with -f.",
  );
}
