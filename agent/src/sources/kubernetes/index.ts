/** The cluster as a source of objects. */
export { type KubernetesOptions, openAccess } from "./access.ts";
export { type KubernetesSource, startKubernetesSource } from "./source.ts";
