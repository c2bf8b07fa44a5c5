/** All that an installation is made of, in the order in which it can be applied. */
import { definedKinds, definitionOf } from "../definitions.ts";
import { access, type AgentRights } from "./access.ts";
import { availability } from "./availability.ts";
import { deployment } from "./deployment.ts";
import { injectionConfig, webhooks } from "./injection.ts";
import { gateways } from "./gateways.ts";
import { OWN_LABELS } from "../names.ts";
import { type Installation, type KubernetesObject, selectorOf } from "./objects.ts";
import { planeBeside } from "./plane.ts";
import { planeObjects } from "../plane/objects.ts";
import { service } from "./service.ts";

/** Objects by what they are for: each part needs those before it. */
export interface InstallationObjects {
  readonly definitions: readonly KubernetesObject[];
  readonly namespace: KubernetesObject;
  /** Of a plane beside the agent; none where there is none. */
  readonly plane: readonly KubernetesObject[];
  /** Of the agent. */
  readonly agent: readonly KubernetesObject[];
  /** Which need an agent that answers. */
  readonly webhooks: readonly KubernetesObject[];
  /** Proxies at the mesh's edge, which wait for an agent by themselves. */
  readonly gateways: readonly KubernetesObject[];
}

/** All of them, in the order in which they can be applied. */
export function inOrder(objects: InstallationObjects): KubernetesObject[] {
  const { definitions, namespace, plane, agent, webhooks: guards, gateways: edge } = objects;
  return [...definitions, namespace, ...plane, ...agent, ...guards, ...edge];
}

export function installationObjects(
  installation: Installation,
  rights: AgentRights,
): InstallationObjects {
  const beside = planeBeside(installation);
  return {
    definitions: installation.values.crds.install ? definitionObjects() : [],
    namespace: {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: installation.namespace, labels: OWN_LABELS },
    },
    plane: beside === undefined ? [] : planeObjects(beside),
    agent: [
      ...access(installation, rights),
      injectionConfig(installation),
      ...(installation.values.agent.enabled ? agentItself(installation) : []),
    ],
    webhooks: webhooks(installation),
    gateways: gateways(installation),
  };
}

function agentItself(installation: Installation): KubernetesObject[] {
  const made = deployment(installation);
  return [
    service(installation),
    made,
    ...availability(made.metadata, selectorOf(installation), installation.values.agent),
  ];
}

export function definitionObjects(): KubernetesObject[] {
  return definedKinds.map((kind) => {
    const { metadata, ...definition } = definitionOf(kind);
    return { ...definition, metadata: { ...metadata, labels: OWN_LABELS } };
  });
}
