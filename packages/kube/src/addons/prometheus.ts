/** Prometheus beside Heddle: one pod that may look for pods, and do nothing else in the cluster. */
import { stringify } from "yaml";
import type { KubernetesObject } from "../install/objects.ts";
import { filled, restricted } from "../install/pod-parts.ts";
import {
  addonDeployment,
  addonLabels,
  addonObject,
  type AddonPlace,
  addonService,
  PROMETHEUS,
  PROMETHEUS_PORT,
} from "./addon.ts";
import { checksumOf } from "./checksum.ts";
import { scrapeConfig } from "./scrape-config.ts";

/** The release with long support. */
export const PROMETHEUS_IMAGE = "prom/prometheus:v3.13.3";
const DATA = "/prometheus";
const CONFIG = "/etc/prometheus";
/** Of a volume: what is written before it is compacted comes on top. */
const SHARE_OF_VOLUME = 0.8;

export interface PrometheusSettings extends AddonPlace {
  /** As Prometheus writes it: `15d`. */
  readonly retention: string;
  /** A volume that outlives the pod; without it, what was counted goes with the pod. */
  readonly storage?: {
    /** As Kubernetes writes it: `20Gi`. */
    readonly size: string;
    /** The StorageClass; the cluster's usual one without it. */
    readonly class?: string;
  };
}

export function prometheusObjects(settings: PrometheusSettings): KubernetesObject[] {
  const { namespace, storage } = settings;
  const own = (kind: string, name: string, fields: Readonly<Record<string, unknown>> = {}) =>
    addonObject(PROMETHEUS, namespace, { apiVersion: "v1", kind }, name, fields);
  const config = stringify(scrapeConfig(), { lineWidth: 0, aliasDuplicateObjects: false });
  return [
    own("ServiceAccount", PROMETHEUS),
    ...access(namespace),
    own("ConfigMap", PROMETHEUS, { data: { "prometheus.yml": config } }),
    ...(storage ? [own("PersistentVolumeClaim", CLAIM, { spec: claimed(storage) })] : []),
    addonService(PROMETHEUS, namespace, PROMETHEUS_PORT),
    deployment(settings, config),
  ];
}

const CLAIM = `${PROMETHEUS}-data`;

/** Of its rights. Cluster roles have no namespace, and another one may hold another Prometheus. */
export function prometheusRole(namespace: string): string {
  return `heddle-${PROMETHEUS}-${namespace}`;
}

function access(namespace: string): KubernetesObject[] {
  const metadata = { name: prometheusRole(namespace), labels: addonLabels(PROMETHEUS) };
  const api = "rbac.authorization.k8s.io";
  const apiVersion = `${api}/v1`;
  return [
    {
      ...{ apiVersion, kind: "ClusterRole", metadata },
      rules: [{ apiGroups: [""], resources: ["pods"], verbs: ["get", "list", "watch"] }],
    },
    {
      ...{ apiVersion, kind: "ClusterRoleBinding", metadata },
      roleRef: { apiGroup: api, kind: "ClusterRole", name: metadata.name },
      subjects: [{ kind: "ServiceAccount", name: PROMETHEUS, namespace }],
    },
  ];
}

function claimed(storage: NonNullable<PrometheusSettings["storage"]>): object {
  return {
    accessModes: ["ReadWriteOnce"],
    resources: { requests: { storage: storage.size } },
    ...filled("storageClassName", storage.class ?? ""),
  };
}

function deployment(settings: PrometheusSettings, config: string): KubernetesObject {
  const { storage } = settings;
  return addonDeployment(PROMETHEUS, settings, {
    image: PROMETHEUS_IMAGE,
    annotations: {
      "prometheus.io/scrape": "true",
      "prometheus.io/port": String(PROMETHEUS_PORT),
      // It reads its configuration when it starts.
      "heddle.dev/config": checksumOf(config),
    },
    container: container(settings),
    spec: {
      securityContext: restricted.pod,
      // What it has in memory is written down.
      terminationGracePeriodSeconds: 120,
      volumes: [
        { name: "config", configMap: { name: PROMETHEUS } },
        {
          name: "data",
          ...(storage ? { persistentVolumeClaim: { claimName: CLAIM } } : { emptyDir: {} }),
        },
      ],
    },
  });
}

function container({ retention, storage }: PrometheusSettings): Record<string, unknown> {
  const probe = (path: string) => ({ httpGet: { path, port: "http" } });
  const most = storage && mebibytesOf(storage.size);
  return {
    args: [
      `--config.file=${CONFIG}/prometheus.yml`,
      `--storage.tsdb.path=${DATA}`,
      `--storage.tsdb.retention.time=${retention}`,
      // A full volume is one that nothing more can be counted on.
      ...(most ? [`--storage.tsdb.retention.size=${Math.floor(most * SHARE_OF_VOLUME)}MB`] : []),
      `--web.listen-address=0.0.0.0:${PROMETHEUS_PORT}`,
    ],
    ports: [{ name: "http", containerPort: PROMETHEUS_PORT, protocol: "TCP" }],
    // What was not compacted yet is read again, which may take minutes.
    startupProbe: { ...probe("/-/ready"), periodSeconds: 2, failureThreshold: 450 },
    livenessProbe: { ...probe("/-/healthy"), periodSeconds: 10, timeoutSeconds: 10 },
    readinessProbe: { ...probe("/-/ready"), periodSeconds: 5, timeoutSeconds: 5 },
    resources: { requests: { cpu: "50m", memory: "256Mi" }, limits: { memory: "2Gi" } },
    securityContext: restricted.container,
    volumeMounts: [
      { name: "config", mountPath: CONFIG, readOnly: true },
      { name: "data", mountPath: DATA },
    ],
  };
}

/** Of a quantity in powers of two; undefined for one that is written otherwise. Prometheus' `MB` are these too. */
function mebibytesOf(size: string): number | undefined {
  const [, count = "", unit = ""] = /^(\d+)(Mi|Gi|Ti)$/.exec(size) ?? [];
  const each = { Mi: 1, Gi: 1024, Ti: 1024 * 1024 }[unit];
  return each === undefined ? undefined : Number(count) * each;
}
