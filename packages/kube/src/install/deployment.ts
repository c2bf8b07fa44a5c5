/** The agent's pods: as little as the strictest of Kubernetes' pod security levels asks for, and replaced without a gap. */
import { replicasOf, STRATEGY } from "./availability.ts";
import {
  imageOf,
  type Installation,
  type KubernetesObject,
  labelsOf,
  named,
  selectorOf,
} from "./objects.ts";
import { placement } from "./placement.ts";
import { planeUrlOf, tokenSecretOf } from "./plane.ts";
import { field, filled, fromSecret, pulledWith, restricted, variables } from "./pod-parts.ts";
import { listening, METRICS_PORT, OTLP_PORT, WEBHOOK_PORT, XDS_PORT } from "./ports.ts";

const STATE = "/var/lib/heddle";
/** Until the cluster's proxies and its API server know that the pod ends, in seconds. */
const LEAVES_AFTER = 5;

export function deployment(installation: Installation): KubernetesObject {
  const { namespace, values } = installation;
  const { agent } = values;
  const labels = labelsOf(installation);
  const selector = selectorOf(installation);
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: named("heddle-agent", installation), namespace, labels },
    spec: {
      ...replicasOf(agent),
      selector: { matchLabels: selector },
      strategy: STRATEGY,
      template: {
        metadata: {
          labels: { ...agent.labels, ...labels, ...selector, "sidecar.istio.io/inject": "false" },
          annotations: {
            "prometheus.io/scrape": "true",
            "prometheus.io/port": String(METRICS_PORT),
            ...agent.annotations,
          },
        },
        spec: podSpec(installation),
      },
    },
  };
}

function podSpec(installation: Installation): Record<string, unknown> {
  const { agent, images } = installation.values;
  return {
    serviceAccountName: named("heddle-agent", installation),
    terminationGracePeriodSeconds: 30,
    securityContext: restricted.pod,
    containers: [container(installation)],
    volumes: [
      { name: "state", emptyDir: {} },
      { name: "tmp", emptyDir: {} },
      ...tokenVolume(installation),
    ],
    ...pulledWith(images.pullSecrets),
    ...placement(agent, selectorOf(installation)),
  };
}

function container(installation: Installation): Record<string, unknown> {
  const { agent, images } = installation.values;
  const probe = (path: string) => ({ httpGet: { path, port: "http-metrics" } });
  return {
    name: "agent",
    image: imageOf(images.agent, installation),
    ...filled("imagePullPolicy", images.pullPolicy),
    args: argumentsOf(installation),
    env: [
      field("POD_NAME", "metadata.name"),
      field("POD_NAMESPACE", "metadata.namespace"),
      ...fromSecret("HEDDLE_REDACTION_KEY", agent.redactionKey),
      ...variables(agent.environment),
    ],
    ports: listening(agent.plaintext).map(({ name, port }) => ({
      ...{ name, containerPort: port, protocol: "TCP" },
    })),
    // A cluster with thousands of objects is read within minutes; nothing is ended for being slow before.
    startupProbe: { ...probe("/healthz"), periodSeconds: 1, failureThreshold: 120 },
    livenessProbe: { ...probe("/healthz"), periodSeconds: 10, timeoutSeconds: 5 },
    readinessProbe: { ...probe("/readyz"), periodSeconds: 2, timeoutSeconds: 5 },
    // Who still has this pod's address is served until it is known to be gone.
    lifecycle: { preStop: { sleep: { seconds: LEAVES_AFTER } } },
    resources: agent.resources,
    securityContext: restricted.container,
    volumeMounts: [
      { name: "state", mountPath: STATE },
      { name: "tmp", mountPath: "/tmp" },
      ...(planeUrlOf(installation) === ""
        ? []
        : [{ name: "token", mountPath: TOKENS, readOnly: true }]),
    ],
  };
}

const TOKENS = "/var/run/secrets/heddle";

/** What an agent takes that is told of no other. */
const LEAF_LIFETIME = "24h";

/** What `heddle agent` is told. */
function argumentsOf(installation: Installation): string[] {
  const { revision, agent, mesh, plane, injection, validation } = installation.values;
  const url = planeUrlOf(installation);
  const { issuer, lifetime } = agent.certificates;
  return [
    ...["agent", "--kubernetes"],
    ...(url === ""
      ? [
          "--standalone",
          `--trust-domain=${mesh.trustDomain}`,
          `--root-namespace=${mesh.rootNamespace}`,
        ]
      : [`--plane=${url}`, `--token-file=${TOKENS}/${plane.tokenSecret.key}`]),
    ...(url !== "" && plane.mesh !== "" ? [`--mesh=${plane.mesh}`] : []),
    ...(url !== "" && issuer !== "agent" ? [`--certificate-issuer=${issuer}`] : []),
    ...(lifetime === LEAF_LIFETIME ? [] : [`--certificate-lifetime=${lifetime}`]),
    ...(agent.plaintext ? [`--xds=0.0.0.0:${XDS_PORT}`] : []),
    `--metrics=0.0.0.0:${METRICS_PORT}`,
    // By TLS both are open in a pod without being asked for.
    `--otlp=${agent.plaintext ? `0.0.0.0:${OTLP_PORT}` : "off"}`,
    `--state=${STATE}`,
    ...(mesh.clusterId === "" ? [] : [`--cluster-id=${mesh.clusterId}`]),
    ...(mesh.network === "" ? [] : [`--network=${mesh.network}`]),
    ...(revision === "default" ? [] : [`--revision=${revision}`]),
    ...(injection.enabled || validation.enabled ? [`--webhook=0.0.0.0:${WEBHOOK_PORT}`] : []),
    ...agent.arguments,
  ];
}

function tokenVolume(installation: Installation): object[] {
  const { name: secretName, key } = tokenSecretOf(installation);
  // A pod waits until the key is there: a plane that comes up beside it writes it.
  const secret = { secretName, items: [{ key, path: key }] };
  return planeUrlOf(installation) === "" ? [] : [{ name: "token", secret }];
}
