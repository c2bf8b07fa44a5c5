/** Kubernetes manifests: custom resource definitions, from the model's schemas. */
export { type CustomResourceDefinition, definedKinds, definitionOf } from "./definitions.ts";
export {
  INJECT_PATH,
  INJECTOR_CONFIGURATION,
  ofRevision,
  VALIDATE_PATH,
  VALIDATOR_CONFIGURATION,
  type Webhook,
  type WebhookConfiguration,
  webhookConfigurations,
  type WebhookSettings,
} from "./webhooks.ts";
