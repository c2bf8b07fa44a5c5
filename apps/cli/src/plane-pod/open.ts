/** The Secrets of the pod that the plane runs in. */
import { createKubernetesClient, openAccess } from "@heddle/agent/kubernetes";
import { podSecret, type PodSecret } from "./pod-secret.ts";

/** Where an installation that names none lies. */
const NAMESPACE = "heddle-system";

/** By name, in the namespace of `POD_NAMESPACE`. HDL7230 where this is no pod and there is no kubeconfig. */
export async function openSecrets(
  env: Readonly<Record<string, string | undefined>>,
): Promise<(name: string) => PodSecret> {
  const client = createKubernetesClient(
    await openAccess({ kubeconfig: undefined, context: undefined }, env),
  );
  return (name) => podSecret(client, env["POD_NAMESPACE"] || NAMESPACE, name);
}
