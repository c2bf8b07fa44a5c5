/** Kubernetes manifests: custom resource definitions, from the model's schemas; and what an installation is made of. */
export {
  type Addon,
  ADDON_LABEL,
  ADDONS,
  ADDONS_MANAGER,
  type AddonPlace,
  GRAFANA,
  GRAFANA_PORT,
  PROMETHEUS,
  PROMETHEUS_PORT,
} from "./addons/addon.ts";
export { DASHBOARDS } from "./addons/dashboards/all.ts";
export { grafanaJson } from "./addons/dashboards/grafana-json.ts";
export {
  GRAFANA_IMAGE,
  GRAFANA_PASSWORD,
  GRAFANA_SECRET,
  grafanaObjects,
  type GrafanaSettings,
} from "./addons/grafana.ts";
export { podMonitor } from "./addons/pod-monitor.ts";
export {
  PROMETHEUS_IMAGE,
  prometheusObjects,
  prometheusRole,
  type PrometheusSettings,
} from "./addons/prometheus.ts";
export { type CustomResourceDefinition, definedKinds, definitionOf } from "./definitions.ts";
export type { AgentRights, PolicyRule } from "./install/access.ts";
export {
  definitionObjects,
  inOrder,
  installationObjects,
  type InstallationObjects,
} from "./install/installation.ts";
export { GATEWAY_NAMES } from "./install/gateways.ts";
export { INJECTION_CONFIG, VALUES } from "./install/injection.ts";
export { planeBeside } from "./install/plane.ts";
export { INSTALL_NAMESPACE, type Installation, type KubernetesObject } from "./install/objects.ts";
export {
  type Profile,
  profileDefaults,
  profileValues,
  ValuesError,
  valuesOf,
} from "./install/profiles.ts";
export { type GivenValues, PROFILES, type Values, valuesJsonSchema } from "./install/values.ts";
export { isOwn, OWN_LABELS, STATE_PART_LABEL, ofRevision } from "./names.ts";
export { DATA_LABEL, keysOf, PLANE, type PlaneInstallation } from "./plane/installation.ts";
export { planeObjects } from "./plane/objects.ts";
export { type GivenPlaneValues, planeValuesJsonSchema, planeValuesOf } from "./plane/values.ts";
export {
  INJECT_PATH,
  INJECTOR_CONFIGURATION,
  VALIDATE_PATH,
  VALIDATOR_CONFIGURATION,
  type Webhook,
  type WebhookConfiguration,
  webhookConfigurations,
  type WebhookSettings,
} from "./webhooks.ts";
