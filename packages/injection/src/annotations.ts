/**
 * Every annotation and label of Istio's that a pod may carry, and ours, with what becomes of it here. The table is what
 * docs/coverage/injection.md is made from, and what an annotation is looked up in: one that is not in it is told of.
 */
import { nearest } from "@heddle/model";
import type { Report } from "./finding.ts";
import type { PodMetadata } from "./pod.ts";

export interface KnownAnnotation {
  readonly name: string;
  /** Where it may stand; an annotation of a pod unless it says otherwise. */
  readonly on?: "label of the pod" | "label of the namespace" | "label or annotation of the pod";
  /**
   * works: it does what Istio's does. written: injection itself writes it. warned: accepted without effect. refused: the pod is
   * not injected, since doing without would lead traffic elsewhere or show what is not to be shown.
   */
  readonly state: "works" | "written" | "warned" | "refused";
  /** What it does; for others why not. */
  readonly what: string;
  readonly remedy?: string;
}

const NO_HELPER = "no helper process runs beside Envoy here, whose log it would be";
const STATS = "which statistics a proxy keeps is the same for all of a mesh";

export const knownAnnotations: readonly KnownAnnotation[] = [
  {
    name: "istio-injection",
    on: "label of the namespace",
    state: "works",
    what: "`enabled`: its pods have a proxy put in; any other value: none has, whatever it says itself",
  },
  {
    name: "heddle.dev/injection",
    on: "label of the namespace",
    state: "works",
    what: "the same, for Heddle alone where Istio is installed as well; it goes first",
  },
  {
    name: "istio.io/rev",
    on: "label of the pod",
    state: "works",
    what: "of the namespace or the pod: the revision that is to put the proxy in",
  },
  {
    name: "heddle.dev/rev",
    on: "label of the pod",
    state: "works",
    what: "the same; it goes first",
  },
  {
    name: "sidecar.istio.io/inject",
    on: "label or annotation of the pod",
    state: "works",
    what: "`true` or `false`; the label goes first. An annotation `true` alone does not bring a pod to the webhook",
  },
  {
    name: "heddle.dev/inject",
    on: "label of the pod",
    state: "works",
    what: "the same, for Heddle alone; it goes first",
  },
  {
    name: "topology.istio.io/network",
    on: "label of the pod",
    state: "works",
    what: "the network that the pod is in",
  },
  {
    name: "topology.istio.io/subzone",
    on: "label of the pod",
    state: "works",
    what: "a part of its zone that the pod is in",
  },
  {
    name: "topology.istio.io/cluster",
    on: "label of the pod",
    state: "warned",
    what: "the cluster is told by its agent",
  },
  {
    name: "service.istio.io/canonical-name",
    on: "label of the pod",
    state: "works",
    what: "what telemetry calls the workload's service; written where it is not there",
  },
  {
    name: "service.istio.io/canonical-revision",
    on: "label of the pod",
    state: "works",
    what: "what telemetry calls the workload's version; written where it is not there",
  },
  {
    name: "service.istio.io/workload-name",
    on: "label of the pod",
    state: "works",
    what: "what telemetry calls the workload",
  },
  {
    name: "security.istio.io/tlsMode",
    on: "label of the pod",
    state: "written",
    what: "`istio`: its proxy takes mutual TLS. `disabled` is left as it is",
  },
  {
    name: "sidecar.istio.io/status",
    state: "written",
    what: "what was put in, as JSON; a pod that has it already is left as it is",
  },
  {
    name: "sidecar.istio.io/proxyImage",
    state: "works",
    what: "the proxy's image. One of Istio's own (`proxyv2`) is refused: it starts a program that is none of ours",
  },
  {
    name: "sidecar.istio.io/proxyImageType",
    state: "works",
    what: "`default`, `distroless` or `debug`: the kind of stock Envoy's image",
  },
  { name: "sidecar.istio.io/proxyCPU", state: "works", what: "CPU that the proxy requests" },
  { name: "sidecar.istio.io/proxyCPULimit", state: "works", what: "CPU that it may use" },
  { name: "sidecar.istio.io/proxyMemory", state: "works", what: "memory that it requests" },
  { name: "sidecar.istio.io/proxyMemoryLimit", state: "works", what: "memory that it may use" },
  {
    name: "sidecar.istio.io/interceptionMode",
    state: "works",
    what: "`REDIRECT` or `NONE`. `TPROXY` is refused: listeners are not made for it",
  },
  {
    name: "sidecar.istio.io/rewriteAppHTTPProbers",
    state: "works",
    what: "`false`: probes are left as they are",
  },
  {
    name: "sidecar.istio.io/userVolume",
    state: "works",
    what: "further volumes of the pod, JSON: name to source, or a list",
  },
  {
    name: "sidecar.istio.io/userVolumeMount",
    state: "works",
    what: "where the proxy has them, JSON: name to mount, or a list",
  },
  {
    name: "sidecar.istio.io/nativeSidecar",
    state: "works",
    what: "`true` or `false`: an init container that keeps running, or a container first in order",
  },
  {
    name: "sidecar.istio.io/logLevel",
    state: "works",
    what: "Envoy's log level; `warning` without it",
  },
  {
    name: "sidecar.istio.io/componentLogLevel",
    state: "works",
    what: "log levels of Envoy's components, `upstream:debug,http:info`",
  },
  {
    name: "sidecar.istio.io/agentLogLevel",
    state: "warned",
    what: NO_HELPER,
  },
  {
    name: "sidecar.istio.io/capNetBindService",
    state: "works",
    what: "`true`: the proxy may bind ports below 1024",
  },
  {
    name: "sidecar.istio.io/bootstrapOverride",
    state: "refused",
    what: "a bootstrap of one's own in a ConfigMap: stock Envoy reads one bootstrap, and this one is made here",
    remedy: "Change the bootstrap by an EnvoyFilter with applyTo: BOOTSTRAP.",
  },
  {
    name: "sidecar.istio.io/enableCoreDump",
    state: "warned",
    what: "where cores go is a setting of the node, which no pod changes here",
  },
  {
    name: "sidecar.istio.io/discoveryAddress",
    state: "warned",
    what: "Istio has dropped it; the agent's address is the injector's",
  },
  {
    name: "sidecar.istio.io/controlPlaneAuthPolicy",
    state: "warned",
    what: "Istio has dropped it; the agent is always reached by TLS",
  },
  { name: "sidecar.istio.io/statsInclusionPrefixes", state: "warned", what: STATS },
  { name: "sidecar.istio.io/statsInclusionSuffixes", state: "warned", what: STATS },
  { name: "sidecar.istio.io/statsInclusionRegexps", state: "warned", what: STATS },
  { name: "sidecar.istio.io/statsHistogramBuckets", state: "warned", what: STATS },
  {
    name: "sidecar.istio.io/extraStatTags",
    state: "warned",
    what: "Istio has dropped it; a Telemetry object adds tags",
  },
  {
    name: "status.sidecar.istio.io/port",
    state: "works",
    what: "where the proxy answers probes for the application, 15020 without it; `0`: it does not",
  },
  {
    name: "readiness.status.sidecar.istio.io/initialDelaySeconds",
    state: "works",
    what: "of the proxy's own readiness probe",
  },
  {
    name: "readiness.status.sidecar.istio.io/periodSeconds",
    state: "works",
    what: "of the proxy's own readiness probe",
  },
  {
    name: "readiness.status.sidecar.istio.io/failureThreshold",
    state: "works",
    what: "of the proxy's own readiness probe",
  },
  {
    name: "readiness.status.sidecar.istio.io/applicationPorts",
    state: "warned",
    what: "Istio has dropped it; a proxy is ready when it has its configuration",
  },
  ...[
    [
      "includeInboundPorts",
      "ports whose connections are led to the proxy; `*`: all, and none where it is empty",
    ],
    ["excludeInboundPorts", "ports whose connections are not, where all others are"],
    [
      "includeOutboundIPRanges",
      "destinations that are led to the proxy; `*`: all, and none where it is empty",
    ],
    ["excludeOutboundIPRanges", "destinations that are not, where all others are"],
    ["includeOutboundPorts", "ports whose connections are led to the proxy wherever they go"],
    ["excludeOutboundPorts", "ports whose connections are not"],
    ["excludeInterfaces", "network interfaces that are left alone"],
    [
      "kubevirtInterfaces",
      "interfaces of virtual machines, whose connections come in and count as going out",
    ],
  ].map(([name = "", what = ""]): KnownAnnotation => ({
    name: `traffic.sidecar.istio.io/${name}`,
    state: "works",
    what,
  })),
  {
    name: "istio.io/reroute-virtual-interfaces",
    state: "works",
    what: "the newer name of `kubevirtInterfaces`",
  },
  {
    name: "proxy.istio.io/config",
    state: "works",
    what: "fields of ProxyConfig for this pod alone: see the table below",
  },
  {
    name: "proxy.istio.io/overrides",
    state: "warned",
    what: "Istio's injector keeps its own notes there; a container `istio-proxy` of the pod is read instead",
  },
  {
    name: "inject.istio.io/templates",
    state: "works",
    what: "`sidecar`, `gateway`, and those that the injector is given, laid over in order. `grpc-agent` and `grpc-simple` are refused: clients of gRPC need no container here",
  },
  {
    name: "prometheus.istio.io/merge-metrics",
    state: "warned",
    what: "the agent collects the proxy's metrics, and leaves the application's to whoever collected them before",
  },
  {
    name: "istio.io/dataplane-mode",
    on: "label of the pod",
    state: "warned",
    what: "there is no ambient mode here",
  },
  {
    name: "istio.io/use-waypoint",
    on: "label of the pod",
    state: "warned",
    what: "there are no waypoints here",
  },
  {
    name: "ambient.istio.io/redirection",
    state: "warned",
    what: "there is no ambient mode here",
  },
  {
    name: "ambient.istio.io/bypass-inbound-capture",
    state: "warned",
    what: "there is no ambient mode here",
  },
  {
    name: "galley.istio.io/analyze-suppress",
    state: "warned",
    what: "findings cannot be kept quiet at an object",
  },
  {
    name: "security.istio.io/autoMTLS",
    state: "warned",
    what: "Istio has dropped it; mutual TLS is always found out by itself",
  },
];

const byName = new Map(knownAnnotations.map((each) => [each.name, each]));

/** Groups whose names mean something to Istio's injector or proxies, or to us. */
const READ_GROUPS = /^(?:[a-z.]*\.)?istio\.io\/|^(?:[a-z.]*\.)?heddle\.dev\//;
/** Gateways' own, and what Istio's installer leaves on what it makes. */
const OTHERS = /^(?:gateway|networking|install\.operator|operator|telemetry)\.istio\.io\//;

/** Reports every annotation and label of these groups that does nothing here, or that nobody knows. */
export function checkAnnotations(
  { annotations = {}, labels = {} }: PodMetadata,
  report: Report,
): void {
  const known = knownAnnotations.map(({ name }) => name);
  const all = [
    ...Object.keys(annotations).map((name) => ({ name, path: "metadata.annotations" })),
    ...Object.keys(labels).map((name) => ({ name, path: "metadata.labels" })),
  ];
  for (const { name, path } of all) {
    if (!READ_GROUPS.test(name) || OTHERS.test(name)) continue;
    const entry = byName.get(name);
    if (entry === undefined) {
      const near = nearest(name, known);
      report({
        code: "HDL6001",
        level: "Warning",
        path,
        message: `nobody reads ${name}`,
        remedy: near === undefined ? "Take it out, or mend its name." : `Did you mean ${near}?`,
      });
    } else if (entry.state === "warned" || entry.state === "refused") {
      report({
        code: "HDL6002",
        level: entry.state === "refused" ? "Error" : "Warning",
        path,
        message: `${name} has no effect here: ${entry.what}`,
        remedy: entry.remedy ?? "Take it out.",
      });
    }
  }
}
