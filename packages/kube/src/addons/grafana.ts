/** Grafana beside Heddle: one pod without rights in the cluster, whose data source and dashboards are there from the start. */
import { stringify } from "yaml";
import type { KubernetesObject } from "../install/objects.ts";
import { restricted } from "../install/pod-parts.ts";
import {
  addonDeployment,
  addonObject,
  type AddonPlace,
  addonService,
  GRAFANA,
  GRAFANA_PORT,
} from "./addon.ts";
import { checksumOf } from "./checksum.ts";
import { DASHBOARDS } from "./dashboards/all.ts";
import { grafanaJson } from "./dashboards/grafana-json.ts";
import { SCRAPE_INTERVAL } from "./scrape-config.ts";

export const GRAFANA_IMAGE = "grafana/grafana:13.1.3";
/** The administrator's password, by this key. */
export const GRAFANA_SECRET = "grafana-admin";
export const GRAFANA_PASSWORD = "password";
/** As the image has it. */
const USER = 472;
const PROVISIONING = "/etc/grafana/provisioning";
const DASHBOARD_FOLDER = "/etc/heddle/dashboards";

export interface GrafanaSettings extends AddonPlace {
  /** Of the Prometheus that is asked. */
  readonly prometheusUrl: string;
  /** Whether everybody who reaches it may look at dashboards. */
  readonly anonymous: boolean;
  /** Of its administrator, `admin`; for a cluster that has none yet. */
  readonly password: string;
}

export function grafanaObjects(settings: GrafanaSettings): KubernetesObject[] {
  const { namespace, password } = settings;
  const own = (kind: string, name: string, fields: Readonly<Record<string, unknown>> = {}) =>
    addonObject(GRAFANA, namespace, { apiVersion: "v1", kind }, name, fields);
  const provisioning = provisioned(settings);
  return [
    own("ServiceAccount", GRAFANA, { automountServiceAccountToken: false }),
    own("Secret", GRAFANA_SECRET, {
      type: "Opaque",
      data: { [GRAFANA_PASSWORD]: base64(password) },
    }),
    own("ConfigMap", GRAFANA, { data: provisioning }),
    own("ConfigMap", `${GRAFANA}-dashboards`, {
      data: Object.fromEntries(
        DASHBOARDS.map((each) => [
          `${each.uid}.json`,
          `${JSON.stringify(grafanaJson(each), null, 1)}\n`,
        ]),
      ),
    }),
    addonService(GRAFANA, namespace, GRAFANA_PORT),
    deployment(settings, checksumOf(JSON.stringify(provisioning))),
  ];
}

function base64(text: string): string {
  return btoa(String.fromCodePoint(...new TextEncoder().encode(text)));
}

/** Files that Grafana reads when it starts. */
function provisioned({ prometheusUrl }: GrafanaSettings): Record<string, string> {
  const source = {
    ...{ name: "Prometheus", type: "prometheus", uid: "prometheus", access: "proxy" },
    ...{ url: prometheusUrl, isDefault: true },
    // Rates reach over some scrapes.
    jsonData: { httpMethod: "POST", timeInterval: SCRAPE_INTERVAL },
  };
  const folder = {
    ...{ name: "heddle", folder: "Heddle", type: "file", allowUiUpdates: false },
    options: { path: DASHBOARD_FOLDER },
  };
  return {
    "datasources.yaml": stringify({ apiVersion: 1, datasources: [source] }, { lineWidth: 0 }),
    "dashboards.yaml": stringify({ apiVersion: 1, providers: [folder] }, { lineWidth: 0 }),
  };
}

function deployment(settings: GrafanaSettings, checksum: string): KubernetesObject {
  const file = (name: string) => ({ name: GRAFANA, items: [{ key: name, path: name }] });
  const user = { runAsUser: USER, runAsGroup: USER, fsGroup: USER };
  return addonDeployment(GRAFANA, settings, {
    image: GRAFANA_IMAGE,
    annotations: { "heddle.dev/config": checksum },
    container: container(settings),
    spec: {
      automountServiceAccountToken: false,
      securityContext: { ...restricted.pod, ...user },
      volumes: [
        { name: "datasources", configMap: file("datasources.yaml") },
        { name: "providers", configMap: file("dashboards.yaml") },
        { name: "dashboards", configMap: { name: `${GRAFANA}-dashboards` } },
        ...["data", "logs", "tmp"].map((name) => ({ name, emptyDir: {} })),
      ],
    },
  });
}

function container({ anonymous }: GrafanaSettings): Record<string, unknown> {
  const probe = { httpGet: { path: "/api/health", port: "http" } };
  const readOnly = (name: string, mountPath: string) => ({ name, mountPath, readOnly: true });
  return {
    env: [
      {
        name: "GF_SECURITY_ADMIN_PASSWORD",
        valueFrom: { secretKeyRef: { name: GRAFANA_SECRET, key: GRAFANA_PASSWORD } },
      },
      ...Object.entries(settingsOf(anonymous)).map(([name, value]) => ({ name, value })),
    ],
    ports: [{ name: "http", containerPort: GRAFANA_PORT, protocol: "TCP" }],
    startupProbe: { ...probe, periodSeconds: 2, failureThreshold: 150 },
    livenessProbe: { ...probe, periodSeconds: 10, timeoutSeconds: 10 },
    readinessProbe: { ...probe, periodSeconds: 5, timeoutSeconds: 5 },
    resources: { requests: { cpu: "50m", memory: "128Mi" }, limits: { memory: "512Mi" } },
    securityContext: restricted.container,
    volumeMounts: [
      readOnly("datasources", `${PROVISIONING}/datasources`),
      readOnly("providers", `${PROVISIONING}/dashboards`),
      readOnly("dashboards", DASHBOARD_FOLDER),
      { name: "data", mountPath: "/var/lib/grafana" },
      { name: "logs", mountPath: "/var/log/grafana" },
      { name: "tmp", mountPath: "/tmp" },
    ],
  };
}

/** It asks nobody outside of the cluster. */
function settingsOf(anonymous: boolean): Record<string, string> {
  return {
    GF_AUTH_ANONYMOUS_ENABLED: String(anonymous),
    GF_AUTH_ANONYMOUS_ORG_ROLE: "Viewer",
    GF_ANALYTICS_REPORTING_ENABLED: "false",
    GF_ANALYTICS_CHECK_FOR_UPDATES: "false",
    GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES: "false",
    GF_NEWS_NEWS_FEED_ENABLED: "false",
    GF_PLUGINS_PREINSTALL_DISABLED: "true",
    GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH: `${DASHBOARD_FOLDER}/${DASHBOARDS[0]?.uid}.json`,
  };
}
