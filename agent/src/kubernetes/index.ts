/** A cluster's API server, for those beside the agent who read and write single objects of it. */
export { type KubernetesOptions, openAccess } from "./access.ts";
export { ApiFailure } from "./api-failure.ts";
export {
  createKubernetesClient,
  type KubernetesClient,
  type KubernetesObject,
  type Place,
} from "./client.ts";
export { namesCluster } from "./kubeconfig.ts";
export { openPortForwarding, type PortForwarding } from "./port-forward.ts";
export { secretData, secretTexts } from "./secret-data.ts";
