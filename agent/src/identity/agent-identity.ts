/** Identities of an agent put together: what it signs or has signed, whom it trusts, and the secrets that proxies get of both. */
import { createClient, type HeddleClient } from "@heddle/client";
import type { MeshObject } from "@heddle/model";
import { type Translator, trustDomainsOf } from "@heddle/translate";
import { createFederatedTrusts, type FederatedTrusts } from "../federation/index.ts";
import type { Guard } from "../jwks/index.ts";
import type { Cluster } from "../kubernetes/cluster.ts";
import type { AgentLog } from "../log.ts";
import type { AgentOptions } from "../options.ts";
import type { Membership } from "../state/enrollment.ts";
import type { StateDirectory } from "../state/state-directory.ts";
import { createWorkloadCertificates, type WorkloadCertificates } from "./certificates.ts";
import { clusterIssuer } from "./cluster-issuer.ts";
import { type WatchedCertificate, watchedCertificates } from "./expiries.ts";
import { type ExpiryAlert, watchExpiry } from "./expiry-watch.ts";
import { delegatedIssuer, type Issuer, localIssuer, planeIssuer } from "./issuer.ts";
import { createKnownRoots, type KnownRoots, SPREADS_WITHIN } from "./known-roots.ts";
import { followAuthority, type PlaneAuthority } from "./plane-authority.ts";
import { type AgentSecrets, createSecretSource } from "./secret-source.ts";
import { createSevered } from "./severed.ts";

export interface AgentIdentity {
  readonly issuer: Issuer;
  readonly certificates: WorkloadCertificates;
  readonly secrets: AgentSecrets;
  /** The roots that those who come to the agent know. */
  readonly roots: KnownRoots;
  /** What the plane has in force. */
  readonly authority: PlaneAuthority;
  readonly federated: FederatedTrusts;
  /** Certificates whose end is watched, with how near it is. */
  watched(): readonly WatchedCertificate[];
  /** What is to be told of them now; none while all is well. */
  alerts(): readonly ExpiryAlert[];
  close(): Promise<void>;
}

export interface AgentIdentityParts {
  readonly options: AgentOptions;
  /** Undefined without a plane, and so without its client. */
  readonly membership: Membership | undefined;
  readonly client: HeddleClient | undefined;
  readonly cluster: Cluster | undefined;
  /** DNS names of the agent's own server; undefined where it has none by TLS. */
  readonly serverNames: readonly string[] | undefined;
  readonly trustDomain: string;
  readonly directory: StateDirectory;
  readonly translator: Translator;
  readonly objectAt: (key: string) => MeshObject | undefined;
  /** Of bundle endpoints, which may not be addresses inside. */
  readonly guard: Guard;
  /** The plane is to be told anew. */
  readonly changed: () => void;
  readonly log: AgentLog;
}

/** Nothing is fetched of other trust domains before `federated.start()`. */
export async function createAgentIdentity(parts: AgentIdentityParts): Promise<AgentIdentity> {
  const { options, membership, client, directory, translator, changed, log } = parts;
  const { lifetime } = options.certificates;
  const issuer = await issuerOf(parts);
  const certificates = createWorkloadCertificates(issuer, lifetime, log);
  const watched = () => watchedCertificates(certificates, issuer, Date.now());
  const expiry = watchExpiry({
    ...{ certificates: watched, missing: () => certificates.missing().length },
    ...{ lifetime, log },
  });
  const roots = createKnownRoots(options.xdsTls ? SPREADS_WITHIN : 0, changed);
  const severed = await createSevered(directory, (name) => translator.setRevocation(name), log);
  const federated = await createFederatedTrusts({
    ...{ directory, guard: parts.guard, log, refresh: options.federationRefresh },
    changed: () => {
      // Roots before names: a peer whose name is taken and whose roots are not known is refused.
      secrets.trustChanged();
      takeTrustDomains();
    },
    told: changed,
  });
  const takeTrustDomains = () =>
    translator.setFederatedTrustDomains(federated.bundles().map(({ trustDomain }) => trustDomain));
  const authority = followAuthority({
    read: () =>
      client?.trustBundle(membership?.mesh.id ?? "", AbortSignal.timeout(10_000)) ??
      Promise.reject(new Error("There is no plane.")),
    ...{ issuer, log, followed: changed },
    federated: (federations) => federated.follow(federations),
    revoked: (spiffeIds) => certificates.revoke(spiffeIds),
    sever: (revocation) => severed.sever(revocation),
  });
  const secrets = createSecretSource({
    ...{ trustDomain: parts.trustDomain, certificates, objectAt: parts.objectAt },
    workloadOf: (proxy) => translator.workloadOf(proxy).workload,
    trusted: () => ({
      trustDomains: trustDomainsOf(translator.mesh()),
      federated: federated.bundles(),
    }),
  });
  takeTrustDomains();
  return {
    ...{ issuer, certificates, secrets, roots, authority, federated, watched },
    alerts: () => expiry.alerts(),
    async close() {
      for (const each of [authority, federated, severed, roots, expiry, certificates])
        await each.close();
    },
  };
}

async function issuerOf({
  options,
  membership,
  directory,
  log,
  serverNames,
  cluster,
}: AgentIdentityParts): Promise<Issuer> {
  if (!membership) {
    const { trustDomain } = options.standalone;
    // In a cluster all replicas sign with one authority; a state directory may go with its pod.
    if (cluster?.inside) {
      const { client: api, pod } = cluster.inside;
      return clusterIssuer({ client: api, namespace: pod.namespace, trustDomain, log });
    }
    return localIssuer(directory, trustDomain);
  }
  const client = createClient({ baseUrl: membership.plane, token: membership.token, retries: 0 });
  if (options.certificates.issuer === "plane") return planeIssuer(client, membership.mesh);
  return delegatedIssuer(directory, client, membership.mesh, log, serverNames);
}
