/** A mesh's settings as the translation wants them: what was chosen, and defaults for the rest. */
import { MESH_DEFAULTS, type MeshSettings } from "@heddle/translate";
import type { AgentOptions } from "./options.ts";
import type { Membership } from "./state/enrollment.ts";

export function hostedSettings({ mesh }: Membership): MeshSettings {
  const { settings } = mesh;
  const { ingressClass, ingressControllerMode, ingressSelector, ingressService } = settings;
  const { extensionProviders, onDemand, trustDomainAliases } = settings;
  return {
    name: mesh.name,
    trustDomain: mesh.trustDomain,
    rootNamespace: settings.rootNamespace ?? MESH_DEFAULTS.rootNamespace,
    outboundTrafficPolicy: settings.outboundTrafficPolicy ?? MESH_DEFAULTS.outboundTrafficPolicy,
    traceSampling: settings.traceSampling ?? MESH_DEFAULTS.traceSampling,
    accessLog: settings.accessLog ?? MESH_DEFAULTS.accessLog,
    clusterDomain: settings.clusterDomain ?? MESH_DEFAULTS.clusterDomain,
    ...(ingressClass === undefined ? {} : { ingressClass }),
    ...(ingressControllerMode === undefined ? {} : { ingressControllerMode }),
    ...(ingressSelector === undefined ? {} : { ingressSelector }),
    ...(ingressService === undefined ? {} : { ingressService }),
    ...(trustDomainAliases === undefined ? {} : { trustDomainAliases }),
    ...(onDemand === undefined ? {} : { onDemand }),
    ...(extensionProviders === undefined ? {} : { extensionProviders }),
  };
}

export function standaloneSettings({
  trustDomain,
  rootNamespace,
}: AgentOptions["standalone"]): MeshSettings {
  return { ...MESH_DEFAULTS, name: "standalone", trustDomain, rootNamespace };
}
