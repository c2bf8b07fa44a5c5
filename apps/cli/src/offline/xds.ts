/** The translation without a plane or an agent: from files straight to what one proxy would get. */
import { analyze } from "@heddle/analysis";
import { canonical, merge } from "@heddle/envoy";
import { type Diagnostic, type MeshObject, objectKey, type Pod } from "@heddle/model";
import {
  createTranslator,
  parseNode,
  type ProxyDescription,
  type ProxyView,
  staticBootstrap,
} from "@heddle/translate";
import { CliError } from "../output/cli-error.ts";
import type { InputFile } from "../commands/input.ts";
import { loadFiles } from "./load.ts";

export interface OfflineOptions {
  /** `pod.namespace` */
  readonly proxy: string;
  readonly trustDomain: string;
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
}

/** Throws HDL9045 where the files hold no such pod. */
export function offlineXds(files: readonly InputFile[], options: OfflineOptions): OfflineXds {
  const { objects: found, diagnostics } = loadFiles(files, "default");
  const proxy = describeProxy(
    found.map(({ object }) => object),
    options.proxy,
  );
  const translator = createTranslator({
    mesh: {
      name: "offline",
      trustDomain: options.trustDomain,
      rootNamespace: "istio-system",
      outboundTrafficPolicy: "ALLOW_ANY",
      traceSampling: 1,
      accessLog: true,
      clusterDomain: "cluster.local",
    },
    envoyApi: { canonical, merge },
  });
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
    diagnostics: [...diagnostics, ...analyze(found), ...translator.diagnostics()],
    bootstrap: () => staticBootstrap(proxy, view),
  };
}

function values(view: ProxyView, type: Parameters<ProxyView["resources"]>[0]): object[] {
  return [...view.resources(type).entries()]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, value]) => value as object);
}

function describeProxy(objects: readonly MeshObject[], name: string): ProxyDescription {
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
  const node = {
    id: `${router ? "router" : "sidecar"}~${address}~${name}~${metadata.namespace}.svc.cluster.local`,
    metadata: {
      NAMESPACE: metadata.namespace,
      LABELS: metadata.labels,
      SERVICE_ACCOUNT: spec.serviceAccountName ?? "default",
      INSTANCE_IPS: address,
    },
  };
  return parseNode(node);
}
