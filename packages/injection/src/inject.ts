/** A pod with its proxy, or the reason why it has none. */
import { effectiveProxyConfig, workloadName, type MeshObject } from "@heddle/model";
import { parse } from "yaml";
import { checkAnnotations } from "./annotations.ts";
import { captureOf } from "./capture.ts";
import { type Finding, isError } from "./finding.ts";
import { gatewayPod } from "./gateway-pod.ts";
import type { PodTemplate } from "./pod.ts";
import { type InjectionNamespace, type NotInjected, whyNot } from "./policy.ts";
import {
  mergeSettings,
  type ProxySettings,
  readProxySettings,
  settingsOfObject,
} from "./proxy-settings.ts";
import type { InjectionMesh, InjectionOptions, ProxyConfigs } from "./settings.ts";
import { sidecarPod } from "./sidecar-pod.ts";
import { overlay } from "./overlay.ts";
import { templatesOf, withoutProxy } from "./templates.ts";
import { wishesOf } from "./wishes.ts";

export interface InjectionRequest {
  /** A pod, or the template of pods in a Deployment and its like. */
  readonly pod: PodTemplate;
  readonly namespace: InjectionNamespace;
  readonly mesh: InjectionMesh;
  /** Of the mesh; those that are not for this pod are passed over. */
  readonly proxyConfigs?: ProxyConfigs;
  /** What made the pod, by its name: a Deployment; out of the pod's own owner where nobody knows. */
  readonly workload?: string;
}

export type Injection =
  | { readonly injected: true; readonly pod: PodTemplate; readonly findings: readonly Finding[] }
  | {
      readonly injected: false;
      readonly because: NotInjected;
      readonly findings: readonly Finding[];
    };

const STATUS = "sidecar.istio.io/status";
const CONFIG = "proxy.istio.io/config";

/** Pure: equal requests make equal pods. An Error among the findings, and nothing is injected. */
export function inject(request: InjectionRequest, options: InjectionOptions): Injection {
  const { pod, namespace } = request;
  const because =
    whyNot(pod, namespace, options) ??
    (pod.metadata?.annotations?.[STATUS] === undefined ? undefined : "already injected");
  return because === undefined
    ? putIn(request, options)
    : { injected: false, because, findings: [] };
}

/** The same for a pod that is to have a proxy whatever it and its namespace say. */
export function putIn(request: InjectionRequest, options: InjectionOptions): Injection {
  const { pod, namespace, mesh } = request;
  const { annotations = {}, labels = {} } = pod.metadata ?? {};
  const findings: Finding[] = [];
  const report = (finding: Finding) => void findings.push(finding);
  checkAnnotations({ annotations, labels }, report);
  const templates = templatesOf(annotations, options.templates ?? {}, report);
  const question = { namespace: namespace.name, labels, rootNamespace: mesh.rootNamespace };
  const settings = mergeSettings(
    mesh.proxies ?? {},
    settingsOfObject(effectiveProxyConfig(request.proxyConfigs ?? [], question)),
    annotatedSettings(annotations[CONFIG], report),
  );
  const making = {
    pod: withoutProxy(pod),
    mesh,
    settings,
    wishes: wishesOf(annotations, report),
    capture: captureOf(annotations, report),
    workload: request.workload ?? workloadOf(pod, namespace.name),
    templates: templates.overlays.map(withoutProxy),
    options,
    report,
  };
  const whole =
    templates.builtIn === undefined
      ? templates.overlays.reduce((merged, each) => overlay(merged, each), pod)
      : templates.builtIn === "gateway"
        ? gatewayPod(making)
        : sidecarPod(making);
  if (findings.some(isError)) return { injected: false, because: "invalid", findings };
  return { injected: true, pod: withStatus(whole, pod, options), findings };
}

/** YAML, as everybody writes it there. */
function annotatedSettings(
  text: string | undefined,
  report: (finding: Finding) => void,
): ProxySettings {
  if (text === undefined) return {};
  try {
    return readProxySettings(parse(text), CONFIG, report);
  } catch (error) {
    report({
      code: "HDL6003",
      level: "Error",
      path: "metadata.annotations",
      message: `${CONFIG} cannot be read: ${error instanceof Error ? error.message.split("\n")[0] : String(error)}`,
      remedy: "Write it as YAML, such as concurrency: 2.",
    });
    return {};
  }
}

function workloadOf({ metadata = {} }: PodTemplate, namespace: string): string | undefined {
  const { name = "", generateName = "", labels = {}, ownerReferences } = metadata;
  const known = workloadName({
    metadata: {
      name: name || generateName.replace(/-$/, ""),
      namespace,
      labels,
      annotations: {},
      ...(Array.isArray(ownerReferences)
        ? {
            ownerReferences: ownerReferences as NonNullable<
              MeshObject["metadata"]["ownerReferences"]
            >,
          }
        : {}),
    },
  });
  return known === "" ? undefined : known;
}

/** What was added, by name, for people and for whoever takes it out again. */
function withStatus(
  made: PodTemplate,
  before: PodTemplate,
  { revision }: InjectionOptions,
): PodTemplate {
  const added = (field: "containers" | "initContainers" | "volumes" | "imagePullSecrets") => {
    const known = new Set((before.spec?.[field] ?? []).map(({ name }) => name));
    const names = (made.spec?.[field] ?? []).map(({ name }) => name);
    return names.filter((name) => !known.has(name));
  };
  const status = {
    injector: "heddle",
    revision,
    initContainers: added("initContainers"),
    containers: added("containers"),
    volumes: added("volumes"),
    imagePullSecrets: added("imagePullSecrets"),
  };
  return {
    ...made,
    metadata: {
      ...made.metadata,
      annotations: { ...made.metadata?.annotations, [STATUS]: JSON.stringify(status) },
    },
  };
}
