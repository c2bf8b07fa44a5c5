/** What brings pods to the injector and rules to the validator, and what injection is told of this installation. */
import { stringify } from "yaml";
import { webhookConfigurations } from "../webhooks.ts";
import { agentHost } from "./agent-host.ts";
import {
  imageOf,
  type Installation,
  isDefault,
  type KubernetesObject,
  labelsOf,
  named,
} from "./objects.ts";
import { WEBHOOK_PORT } from "./ports.ts";

/** As the agent looks for it. */
export const INJECTION_CONFIG = "heddle-injection";
const SETTINGS = "settings";
/** All that was chosen, for whoever wants to see whether it is still so. */
export const VALUES = "values";

export function injectionConfig(installation: Installation): KubernetesObject {
  const { namespace } = installation;
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: {
      name: named(INJECTION_CONFIG, installation),
      namespace,
      labels: labelsOf(installation),
    },
    data: {
      [SETTINGS]: stringify(settingsOf(installation), { lineWidth: 0 }),
      [VALUES]: stringify(
        { ...installation.values, isDefault: isDefault(installation) },
        { lineWidth: 0 },
      ),
    },
  };
}

function settingsOf(installation: Installation): object {
  const { values } = installation;
  const { images, injection, mesh } = values;
  const host = agentHost(installation);
  return {
    isDefault: isDefault(installation),
    ...(mesh.clusterId === "" ? {} : { clusterId: mesh.clusterId }),
    ...(host === "" ? {} : { agent: { host } }),
    proxyImage: imageOf(images.proxy, installation),
    initImage: imageOf(images.capture, installation),
    ...(images.pullPolicy === "" ? {} : { imagePullPolicy: images.pullPolicy }),
    ...(images.pullSecrets.length === 0 ? {} : { imagePullSecrets: images.pullSecrets }),
    resources: injection.resources,
    ...(Object.keys(injection.templates).length === 0 ? {} : { templates: injection.templates }),
    ...(injection.captureElsewhere ? { captureElsewhere: true } : {}),
    ...(Object.keys(injection.proxies).length === 0 ? {} : { proxies: injection.proxies }),
  };
}

export function webhooks(installation: Installation): KubernetesObject[] {
  const { namespace, values } = installation;
  const { agent, injection, remote, revision, validation } = values;
  const all = webhookConfigurations({
    ...{ namespace, revision, isDefault: isDefault(installation) },
    failurePolicy: injection.failurePolicy,
    ...(agent.enabled ? {} : { url: `https://${remote.address}:${WEBHOOK_PORT}` }),
  });
  const wanted = {
    MutatingWebhookConfiguration: injection,
    ValidatingWebhookConfiguration: validation,
  };
  return all.filter(({ kind }) => wanted[kind].enabled).map((each) => ({ ...each }));
}
