/** A token by which a machine proves its account to the agent, and to nobody else. */
import { ApiFailure, type KubernetesClient } from "@heddle/agent/kubernetes";
import { TOKEN_AUDIENCE } from "@heddle/injection";
import { asked } from "../cluster/connect.ts";
import { CliError } from "../output/cli-error.ts";

export interface MachineToken {
  readonly token: string;
  /** RFC 3339. */
  readonly expires: string;
}

interface Answer {
  readonly status: { readonly token: string; readonly expirationTimestamp: string };
}

/**
 * Asked of the API server (TokenRequest, authentication.k8s.io/v1), which may give it a shorter life than so many seconds. Throws
 * HDL9086 where there is no such account.
 */
export async function machineToken(
  client: KubernetesClient,
  { namespace, serviceAccount }: { readonly namespace: string; readonly serviceAccount: string },
  seconds: number,
): Promise<MachineToken> {
  const account = encodeURIComponent(serviceAccount);
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/serviceaccounts/${account}/token`;
  const request = {
    apiVersion: "authentication.k8s.io/v1",
    kind: "TokenRequest",
    spec: { audiences: [TOKEN_AUDIENCE], expirationSeconds: seconds },
  };
  const answer = await asked(client, `make a token of ${namespace}/${serviceAccount}`, () =>
    client.post(path, request).catch((error: unknown) => {
      if (!(error instanceof ApiFailure) || !error.missing) throw error;
      throw new CliError(
        "HDL9086",
        `There is no service account ${namespace}/${serviceAccount}, which the machines of the group are to be.`,
        `Make it: \`kubectl create serviceaccount ${serviceAccount} -n ${namespace}\`; or name another in the group's template.`,
      );
    }),
  );
  const { token, expirationTimestamp } = (answer as Answer).status;
  return { token, expires: expirationTimestamp };
}
