/** The cluster that a command is about, and how its failures are told. */
import {
  ApiFailure,
  createKubernetesClient,
  type KubernetesClient,
  type KubernetesOptions,
  openAccess,
} from "@heddle/agent/kubernetes";
import { CliError } from "../output/cli-error.ts";

/** A definition with a large schema takes a busy API server a while, milliseconds. */
const ANSWER_WITHIN = 60_000;

export async function connect(flags: {
  readonly kubeconfig?: string;
  readonly context?: string;
}): Promise<KubernetesClient> {
  const options: KubernetesOptions = { kubeconfig: flags.kubeconfig, context: flags.context };
  return createKubernetesClient(await openAccess(options), { timeout: ANSWER_WITHIN });
}

/** Does it, and throws HDL9064 where the API server does not answer, or not so. `what` ends "could not". */
export async function asked<T>(
  client: KubernetesClient,
  what: string,
  ask: () => Promise<T>,
): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof ApiFailure)) throw error;
    throw new CliError(
      "HDL9064",
      `The cluster at ${client.address} could not ${what}: ${error.message}`,
      error.unavailable
        ? "Check that it runs and that --kubeconfig and --context name it."
        : "Installing takes the rights of the cluster's administrator.",
    );
  }
}
