/** What the commands that make pods are told, as injection wants it. */
import { defaultOptions, type InjectionMesh, type InjectionOptions } from "@heddle/injection";
import type { InjectionFlags } from "../commands/injection-options.ts";
import type { MeshConfig } from "./mesh-config.ts";

export function injectionOptions(flags: InjectionFlags): InjectionOptions {
  const { revision, kubernetesVersion, proxyImage, initImage, agent, cluster } = flags;
  return {
    ...defaultOptions,
    ...(revision === undefined ? {} : { revision }),
    ...(kubernetesVersion === undefined ? {} : { kubernetesMinor: kubernetesVersion }),
    ...(proxyImage === undefined ? {} : { proxyImage }),
    ...(initImage === undefined ? {} : { initImage }),
    ...(agent === undefined ? {} : { agent: { ...defaultOptions.agent, host: agent } }),
    ...(cluster === undefined ? {} : { clusterId: cluster }),
    // Whoever names files asks for these very pods.
    asked: true,
  };
}

export function injectionMesh(meshConfig: MeshConfig | undefined): InjectionMesh {
  const { settings, pods } = meshConfig ?? {};
  return {
    rootNamespace: settings?.rootNamespace ?? "istio-system",
    clusterDomain: settings?.clusterDomain ?? "cluster.local",
    ...(pods === undefined ? {} : { proxies: pods }),
  };
}
