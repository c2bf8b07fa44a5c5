/** Kubernetes manifests: custom resource definitions, from the model's schemas; and what an installation is made of. */
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
export { isOwn, OWN_LABELS, ofRevision } from "./names.ts";
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
