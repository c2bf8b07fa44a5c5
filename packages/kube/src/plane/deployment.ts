/** The plane's one pod: as little as the strictest of Kubernetes' pod security levels asks for. */
import { placement } from "../install/placement.ts";
import {
  field,
  filled,
  fromSecret,
  pulledWith,
  restricted,
  variables,
} from "../install/pod-parts.ts";
import { imageIn, type KubernetesObject } from "../install/objects.ts";
import { claimOf, keysOf, type PlaneInstallation } from "./installation.ts";
import type { PlaneValues } from "./values.ts";

/** Where the plane listens in its pod. */
const PORT = 8700;
const STATE = "/var/lib/heddle";
/** As the image has it. */
const CONSOLE = "/app/console";
/** Where the token of a key service is: the kubelet writes it anew when its Secret changes. */
const KMS = "/var/run/secrets/heddle-kms";

export function deployment(plane: PlaneInstallation): KubernetesObject {
  const { namespace, name, labels, selector, values } = plane;
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, namespace, labels },
    spec: {
      // One process has the data; while it is replaced agents go on with what they have.
      replicas: 1,
      strategy: { type: "Recreate" },
      selector: { matchLabels: selector },
      template: {
        metadata: {
          labels: { ...values.labels, ...labels, ...selector, "sidecar.istio.io/inject": "false" },
          ...filled("annotations", values.annotations),
        },
        spec: podSpec(plane),
      },
    },
  };
}

function podSpec(plane: PlaneInstallation): Record<string, unknown> {
  const { name, values } = plane;
  const { claim, persistent } = values.storage;
  const claimed = { persistentVolumeClaim: { claimName: claim === "" ? claimOf(name) : claim } };
  return {
    serviceAccountName: name,
    terminationGracePeriodSeconds: 30,
    securityContext: restricted.pod,
    containers: [container(plane)],
    volumes: [
      { name: "state", ...(persistent ? claimed : { emptyDir: {} }) },
      { name: "tmp", emptyDir: {} },
      ...kmsVolume(values.kms),
    ],
    ...pulledWith(values.images.pullSecrets),
    ...placement(values),
  };
}

function container(plane: PlaneInstallation): Record<string, unknown> {
  const { values } = plane;
  const probe = (path: string) => ({ httpGet: { path, port: "http" } });
  return {
    name: "plane",
    image: imageIn(values.images.plane, values.images.registry),
    ...filled("imagePullPolicy", values.images.pullPolicy),
    args: argumentsOf(plane),
    env: [
      field("POD_NAMESPACE", "metadata.namespace"),
      ...fromSecret("DATABASE_URL", values.database),
      ...fromSecret("HEDDLE_ENVELOPE_KEY", values.envelopeKey),
      ...kmsVariables(values.kms),
      ...variables(values.environment),
    ],
    ports: [{ name: "http", containerPort: PORT, protocol: "TCP" }],
    // A first start makes a database, which a busy machine takes its time for.
    startupProbe: { ...probe("/healthz"), periodSeconds: 1, failureThreshold: 300 },
    livenessProbe: { ...probe("/healthz"), periodSeconds: 10, timeoutSeconds: 10 },
    readinessProbe: { ...probe("/readyz"), periodSeconds: 2, timeoutSeconds: 5 },
    resources: values.resources,
    securityContext: restricted.container,
    volumeMounts: [
      { name: "state", mountPath: STATE },
      { name: "tmp", mountPath: "/tmp" },
      ...(values.kms.key === "" ? [] : [{ name: "kms", mountPath: KMS, readOnly: true }]),
    ],
  };
}

/** What `heddle server` is told. */
function argumentsOf({ name, values }: PlaneInstallation): string[] {
  const { mesh, tokenSecret, traceSampling } = values;
  return [
    ...["server", "--host=0.0.0.0", `--port=${PORT}`],
    ...[`--console=${CONSOLE}`, `--data=${STATE}/data`],
    ...[`--mesh=${mesh.name}`, `--trust-domain=${mesh.trustDomain}`],
    `--trace-sampling=${traceSampling}`,
    `--keys-secret=${keysOf(name)}`,
    `--join-secret=${tokenSecret.name}/${tokenSecret.key}`,
    ...values.arguments,
  ];
}

type KmsValues = PlaneValues["kms"];

function kmsVariables({ key, mode, namespace, tokenSecret }: KmsValues): object[] {
  if (key === "") return [];
  return [
    { name: "HEDDLE_KMS_KEY", value: key },
    { name: "HEDDLE_KMS_MODE", value: mode },
    ...(namespace === "" ? [] : [{ name: "HEDDLE_KMS_NAMESPACE", value: namespace }]),
    { name: "HEDDLE_KMS_TOKEN_FILE", value: `${KMS}/${tokenSecret.key}` },
  ];
}

function kmsVolume({ key, tokenSecret: { name: secretName } }: KmsValues): object[] {
  return key === "" ? [] : [{ name: "kms", secret: { secretName } }];
}
