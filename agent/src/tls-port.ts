/** The agent's TLS port: everything that the plaintext one serves, for callers that have proven who they are. */
import { TOKEN_AUDIENCE } from "@heddle/injection";
import type { MeshObject, Pod } from "@heddle/model";
import { spiffeId } from "@heddle/pki";
import { AgentError } from "./agent-error.ts";
import {
  authenticated,
  type Callers,
  type MachineAccounts,
  createCallers,
  createClusterKeys,
  createTokenReview,
} from "./callers/index.ts";
import { createIdentityMaps } from "./identity/identity-maps.ts";
import type { Issuer } from "./identity/issuer.ts";
import {
  createServingCertificate,
  type ServingCertificate,
} from "./identity/serving-certificate.ts";
import { createKubernetesClient } from "./kubernetes/client.ts";
import type { Cluster } from "./kubernetes/cluster.ts";
import type { AgentLog } from "./log.ts";
import type { TlsPortOptions } from "./options.ts";
import type { AdsServer } from "./xds/index.ts";

export interface TlsPort {
  readonly port: number;
  readonly certificate: ServingCertificate;
  readonly callers: Callers;
  /** Keys of objects that came, went or changed. */
  objectsChanged(keys: readonly string[]): void;
  /** The port itself ends with the ADS server. */
  close(): Promise<void>;
}

export interface TlsPortParts {
  readonly ads: Pick<AdsServer, "start">;
  readonly issuer: Pick<Issuer, "issue" | "subscribe" | "signedBy">;
  readonly mesh: { readonly trustDomain: string; readonly clusterDomain: string };
  /** Lifetime of its certificate, milliseconds. */
  readonly lifetime: number;
  readonly inCluster: Pick<Cluster, "access" | "inside">;
  /** As the API server has it. */
  readonly objectAt: <Spec>(key: string) => MeshObject<Spec> | undefined;
  /** Accounts whose machines may come. */
  readonly machines?: MachineAccounts | undefined;
  /** Keys of the cluster's namespaces. */
  readonly namespaces: () => readonly string[];
  readonly log: AgentLog;
}

/** What proxies call the agent by, and its certificate says. */
export function namesOfAgent(
  { service, namespace, names }: TlsPortOptions,
  clusterDomain: string,
): readonly string[] {
  const ends = ["", ".svc", `.svc.${clusterDomain}`];
  return [...new Set([...ends.map((end) => `${service}.${namespace}${end}`), ...names])];
}

/**
 * Listens. Connections are dropped until there is a certificate, which may take as long as the plane is away. Rejects with
 * `HDL7204` where the address is taken. In a pod the leader sees to it that proxies everywhere know the port's certificate.
 */
export async function openTlsPort(
  options: TlsPortOptions,
  { ads, issuer, mesh, lifetime, inCluster, objectAt, machines, namespaces, log }: TlsPortParts,
): Promise<TlsPort> {
  const { access, inside } = inCluster;
  const api = inside?.client ?? createKubernetesClient(access);
  const callers = createCallers({
    audience: TOKEN_AUDIENCE,
    keys: createClusterKeys((path) => api.read(path), log),
    review: createTokenReview((path, body) => api.post(path, body), TOKEN_AUDIENCE),
    podAt: (of, pod) => objectAt<Pod>(`core/Pod/${of}/${pod}`),
    ...{ machines, log },
  });
  const { address, namespace, service: serviceAccount } = options;
  const { trustDomain, clusterDomain } = mesh;
  const name = {
    spiffeId: spiffeId({ trustDomain, namespace, serviceAccount }),
    dnsNames: namesOfAgent(options, clusterDomain),
  };
  const certificate = createServingCertificate(issuer, name, lifetime, log);
  try {
    const port = await ads.start(address, authenticated(certificate.credentials, callers, log));
    const maps =
      inside &&
      createIdentityMaps({
        ...{ client: inside.client, role: options.service, namespaces, objectAt, log },
        roots: () => certificate.roots(),
        onRoots: (listener) => certificate.subscribe(listener),
      });
    const stop = maps && inside.leadership.onLeading("identity", (signal) => maps.run(signal));
    return {
      ...{ port, certificate, callers },
      objectsChanged: (keys) => maps?.objectsChanged(keys),
      async close() {
        await stop?.();
        certificate.close();
      },
    };
  } catch (error) {
    certificate.close();
    const message = `xDS cannot be served by TLS at ${address}: ${String(error)}`;
    throw new AgentError("HDL7204", message, error);
  }
}
