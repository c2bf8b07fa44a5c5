/** Which DNS names a certificate may have beside its identity: its workload's own, and its namespace's servers'. */

import { PkiError } from "./pki-error.ts";
import { parseSpiffeId, type WorkloadIdentity } from "./spiffe.ts";

/**
 * `<workload>.<namespace>.workload.<trust domain>`: a name that nobody resolves. It says which of the workloads with one service
 * account a connection is of, where no header could (RFC 9525's servers have other names). Undefined where it would not be a DNS name.
 */
export function workloadName(
  workload: string,
  { namespace, trustDomain }: Pick<WorkloadIdentity, "namespace" | "trustDomain">,
): string | undefined {
  const name = `${workload}.${namespace}.${workloadZone(trustDomain)}`;
  return LABEL.test(workload) && DNS_NAME.test(name) ? name : undefined;
}

/** What all workloads' names end with. */
export const workloadZone = (trustDomain: string) => `workload.${trustDomain}`;

const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
/** RFC 1123, in lower case, without wildcards; 253 characters at most. */
export const DNS_NAME =
  /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/;

/**
 * Throws `HDL7111` for a name that is another's: of a workload or a Service in another namespace, or of no host at all, and for a
 * second workload's. Names outside of the cluster, which have three labels or more, are the agent's own business: its server may be
 * known by one.
 */
export function assertOwnNames(spiffeId: string, dnsNames: readonly string[]): void {
  const identity = parseSpiffeId(spiffeId);
  const zone = `.${workloadZone(identity.trustDomain)}`;
  const isWorkloads = (name: string) => `.${name}`.endsWith(zone);
  const isOwn = (name: string): boolean => {
    const [first = "", second, third] = name.split(".");
    if (isWorkloads(name)) return name === workloadName(first, identity);
    const inCluster = third === undefined || third === "svc";
    return !inCluster || second === identity.namespace;
  };
  const foreign = dnsNames.find((name) => !isOwn(name));
  if (foreign !== undefined)
    throw new PkiError("HDL7111", `${spiffeId} asks for the name ${foreign}.`);
  const workloads = dnsNames.filter(isWorkloads);
  if (workloads.length > 1)
    throw new PkiError(
      "HDL7111",
      `${spiffeId} asks for the names of ${workloads.length} workloads.`,
    );
}

/** As `assertOwnNames`, for an authority's request: its leaves may have what is below these names too, so none may be a zone. */
export function assertServerNames(dnsNames: readonly string[]): void {
  const zone = dnsNames.find((name) => {
    const labels = name.split(".");
    return labels.length < 2 || labels[0] === "svc" || labels[1] === "svc";
  });
  if (zone !== undefined)
    throw new PkiError("HDL7111", `An intermediate is asked for all names below ${zone}.`);
}
