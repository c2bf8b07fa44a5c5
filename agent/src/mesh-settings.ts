/** A mesh's settings as the translation wants them: what was chosen, and defaults for the rest. */
import type { MeshSettings } from "@heddle/translate";
import type { AgentOptions } from "./options.ts";
import type { Membership } from "./state/enrollment.ts";

const DEFAULTS = {
  rootNamespace: "istio-system",
  outboundTrafficPolicy: "ALLOW_ANY",
  traceSampling: 1,
  accessLog: true,
  clusterDomain: "cluster.local",
} as const;

export function hostedSettings({ mesh }: Membership): MeshSettings {
  const { settings } = mesh;
  const { ingressClass, ingressControllerMode, ingressSelector, ingressService } = settings;
  const { trustDomainAliases } = settings;
  return {
    name: mesh.name,
    trustDomain: mesh.trustDomain,
    rootNamespace: settings.rootNamespace ?? DEFAULTS.rootNamespace,
    outboundTrafficPolicy: settings.outboundTrafficPolicy ?? DEFAULTS.outboundTrafficPolicy,
    traceSampling: settings.traceSampling ?? DEFAULTS.traceSampling,
    accessLog: settings.accessLog ?? DEFAULTS.accessLog,
    clusterDomain: settings.clusterDomain ?? DEFAULTS.clusterDomain,
    ...(ingressClass === undefined ? {} : { ingressClass }),
    ...(ingressControllerMode === undefined ? {} : { ingressControllerMode }),
    ...(ingressSelector === undefined ? {} : { ingressSelector }),
    ...(ingressService === undefined ? {} : { ingressService }),
    ...(trustDomainAliases === undefined ? {} : { trustDomainAliases }),
  };
}

export function standaloneSettings({
  trustDomain,
  rootNamespace,
}: AgentOptions["standalone"]): MeshSettings {
  return { ...DEFAULTS, name: "standalone", trustDomain, rootNamespace };
}
