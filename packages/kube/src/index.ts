/** Kubernetes manifests: custom resource definitions, from the model's schemas. */
export { type CustomResourceDefinition, definedKinds, definitionOf } from "./definitions.ts";
