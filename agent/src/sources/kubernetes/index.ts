/** The cluster as a source of objects. */
export { type KubernetesSource, startKubernetesSource } from "./source.ts";
