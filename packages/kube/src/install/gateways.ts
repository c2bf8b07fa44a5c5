/** The gateways of an installation, called and labelled as Istio's, so that what selects these selects them. */
import { defaultOptions, installedGatewayPod } from "@heddle/injection";
import { REVISION_LABEL } from "@heddle/model";
import { agentHost } from "./agent-host.ts";
import { availability, replicasOf, STRATEGY } from "./availability.ts";
import {
  imageOf,
  type Installation,
  isDefault,
  type KubernetesObject,
  labelsOf,
  named,
} from "./objects.ts";
import { placement } from "./placement.ts";
import { filled } from "./pod-parts.ts";
import type { Values } from "./values.ts";

interface Gateway {
  readonly value: keyof Values["gateways"];
  readonly name: string;
  /** Of the label `istio`. */
  readonly istio: string;
}

const GATEWAYS: readonly Gateway[] = [
  { value: "ingress", name: "istio-ingressgateway", istio: "ingressgateway" },
  { value: "egress", name: "istio-egressgateway", istio: "egressgateway" },
];
/** Without the revision. */
export const GATEWAY_NAMES: readonly string[] = GATEWAYS.map(({ name }) => name);

export function gateways(installation: Installation): KubernetesObject[] {
  const { gateways: chosen } = installation.values;
  return GATEWAYS.flatMap((gateway) =>
    chosen[gateway.value].enabled ? objectsOf(installation, gateway) : [],
  );
}

function objectsOf(installation: Installation, gateway: Gateway): KubernetesObject[] {
  const { namespace, values } = installation;
  const chosen = values.gateways[gateway.value];
  const name = named(gateway.name, installation);
  // One revision's gateways are no other's.
  const selector = { app: gateway.name, istio: gateway.istio, [REVISION_LABEL]: values.revision };
  const metadata = { name, namespace, labels: { ...selector, ...labelsOf(installation) } };
  const { service } = chosen;
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { ...metadata, ...filled("annotations", service.annotations) },
      spec: {
        type: service.type,
        selector,
        ports: service.ports.map(({ targetPort, protocol = "TCP", ...port }) => ({
          ...port,
          targetPort: targetPort ?? port.port,
          protocol,
        })),
        ...filled("loadBalancerIP", service.loadBalancerIP),
        ...filled("loadBalancerSourceRanges", service.loadBalancerSourceRanges),
        ...filled("externalTrafficPolicy", service.externalTrafficPolicy),
      },
    },
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata,
      spec: {
        ...replicasOf(chosen),
        selector: { matchLabels: selector },
        strategy: STRATEGY,
        template: podTemplate(installation, gateway, selector),
      },
    },
    ...availability(metadata, selector, chosen),
  ];
}

function podTemplate(
  installation: Installation,
  gateway: Gateway,
  selector: Readonly<Record<string, string>>,
): object {
  const { namespace, values } = installation;
  const chosen = values.gateways[gateway.value];
  const name = named(gateway.name, installation);
  const labels = {
    ...chosen.labels,
    ...labelsOf(installation),
    ...selector,
    // Else other labels would name it in telemetry.
    "service.istio.io/canonical-name": gateway.name,
    "service.istio.io/canonical-revision": "latest",
    "security.istio.io/tlsMode": "istio",
  };
  const { metadata, spec } = installedGatewayPod(
    {
      ...{ name, namespace, serviceAccount: name },
      labels: Object.fromEntries(Object.entries(labels).toSorted(byKey)),
      clusterDomain: values.mesh.clusterDomain,
    },
    proxyOptions(installation, chosen.resources),
  );
  return {
    metadata: {
      labels: metadata?.labels,
      annotations: { ...chosen.annotations, ...metadata?.annotations },
    },
    spec: { ...spec, ...placement(chosen, selector) },
  };
}

function proxyOptions(
  installation: Installation,
  resources: Values["injection"]["resources"],
): typeof defaultOptions {
  const { images, mesh, revision } = installation.values;
  const host = agentHost(installation);
  return {
    ...defaultOptions,
    ...{ revision, isDefault: isDefault(installation), resources },
    ...filled("clusterId", mesh.clusterId),
    agent: { ...defaultOptions.agent, ...filled("host", host) },
    proxyImage: imageOf(images.proxy, installation),
    ...filled("imagePullPolicy", images.pullPolicy),
    ...filled("imagePullSecrets", images.pullSecrets),
  };
}

function byKey([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return a < b ? -1 : 1;
}
