/** A mesh of tests: objects in, and what one proxy gets of them, as a static bootstrap. */
import { canonical, merge } from "@heddle/envoy";
import type { Bootstrap } from "@heddle/envoy/config/bootstrap/v3";
import type { Secret } from "@heddle/envoy/extensions/transport_sockets/tls/v3";
import { type MeshObject, objectKey, type WasmPlugin } from "@heddle/model";
import {
  createTranslator,
  type MeshSettings,
  parseNode,
  type ProxyView,
  type SigningKeysState,
  staticBootstrap,
  type Translator,
  wasmModuleKey,
} from "@heddle/translate";

export interface ProxyOptions {
  readonly type?: "sidecar" | "router";
  readonly pod: string;
  readonly address: string;
  /** Of the other family, say. */
  readonly otherAddresses?: readonly string[];
  readonly namespace?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly httpProxyPort?: number;
  /** Where the application behind a sidecar listens. */
  readonly appAddress?: string;
  /** NONE unless told otherwise: tests have no iptables. */
  readonly interception?: "NONE" | "REDIRECT";
  readonly locality?: { readonly region: string; readonly zone: string; readonly subzone?: string };
  /** Of its node, besides what follows from the rest. */
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface BootstrapOfOptions extends ProxyOptions {
  readonly secrets?: readonly Secret[];
  readonly otlp?: { readonly address: string; readonly port: number };
  /** The agent, where more is asked of it than configuration. */
  readonly xds?: { readonly address: string; readonly port: number };
}

/** Modules of WasmPlugins by their URL; one that is not among them cannot be had. */
export type Modules = Readonly<Record<string, Uint8Array>>;

/** What an agent would have fetched. */
export interface Fetched {
  readonly modules?: Modules;
  /** Of issuers of tokens, by `keySourceName`. */
  readonly signingKeys?: ReadonlyMap<string, SigningKeysState | undefined>;
}

export const MESH: MeshSettings = {
  name: "test",
  trustDomain: "cluster.local",
  rootNamespace: "istio-system",
  outboundTrafficPolicy: "ALLOW_ANY",
  traceSampling: 100,
  accessLog: true,
  clusterDomain: "cluster.local",
};

/** The caller disposes of the view. */
export function viewOf(
  objects: readonly MeshObject[],
  options: ProxyOptions,
  mesh: Partial<MeshSettings> = {},
  fetched: Fetched = {},
): ProxyView {
  const translator = translatorOf(objects, mesh, fetched);
  const view = translator.view(parseNode(nodeOf(options)));
  const problems = translator.diagnostics();
  if (problems.length > 0) throw new Error(problems.map(({ message }) => message).join("\n"));
  return view;
}

/** Of a mesh in which nothing changes any more. */
export function translatorOf(
  objects: readonly MeshObject[],
  mesh: Partial<MeshSettings> = {},
  { modules = {}, signingKeys = new Map() }: Fetched = {},
): Translator {
  const translator = createTranslator({
    mesh: { ...MESH, ...mesh },
    clusterId: "c1",
    envoyApi: { canonical, merge },
  });
  translator.apply(objects.map((object) => ({ key: objectKey(object), object })));
  for (const object of objects) {
    if (object.kind !== "WasmPlugin") continue;
    const plugin = object as MeshObject<WasmPlugin>;
    const found = modules[plugin.spec.url];
    translator.setWasmModule(
      wasmModuleKey(plugin),
      found
        ? { state: "ready", bytes: Buffer.from(found).toString("base64") }
        : { state: "failed" },
    );
  }
  for (const [source, state] of signingKeys) translator.setSigningKeys(source, state);
  return translator;
}

/** As a proxy describes itself. */
export function nodeOf(options: ProxyOptions) {
  const { type = "sidecar", pod, address, namespace = "default" } = options;
  const { labels, httpProxyPort, appAddress } = options;
  return {
    id: `${type}~${address}~${pod}.${namespace}~${namespace}.svc.cluster.local`,
    cluster: namespace,
    ...(options.locality ? { locality: nodeLocality(options.locality) } : {}),
    metadata: {
      NAMESPACE: namespace,
      LABELS: labels,
      CLUSTER_ID: "c1",
      INSTANCE_IPS: [address, ...(options.otherAddresses ?? [])].join(","),
      ...options.metadata,
      INTERCEPTION_MODE: options.interception ?? "NONE",
      ...(httpProxyPort ? { HTTP_PROXY_PORT: String(httpProxyPort) } : {}),
      ...(appAddress ? { APP_ADDRESS: appAddress } : {}),
    },
  };
}

/** Admin, statistics and health listen on the proxy's own address, on the usual ports. */
export function bootstrapOf(
  objects: readonly MeshObject[],
  options: BootstrapOfOptions,
  mesh: Partial<MeshSettings> = {},
  fetched: Fetched = {},
): Bootstrap {
  const { address, secrets, otlp, xds } = options;
  const view = viewOf(objects, options, mesh, fetched);
  try {
    return staticBootstrap(view.proxy, view, {
      admin: { address, port: 15000 },
      prometheus: { address, port: 15090 },
      health: { address, port: 15021 },
      ...(secrets ? { secrets } : {}),
      ...(otlp ? { otlp } : {}),
      ...(xds ? { xds } : {}),
    });
  } finally {
    view.dispose();
  }
}

/** As Envoy's node has it. */
function nodeLocality({ region, zone, subzone = "" }: NonNullable<ProxyOptions["locality"]>) {
  return { region, zone, subZone: subzone };
}
