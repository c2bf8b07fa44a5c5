/** Which BackendTLSPolicy decides for a port of a Service, and what it can be verified by. */
import type * as GatewayApi from "../kinds/gateway-api/index.ts";
import type { MeshObject } from "../object.ts";
import type { ServiceModel } from "../registry/types.ts";
import { referrerOf } from "./listeners.ts";
import type { GatewayApiReader } from "./reader.ts";
import { type AuthorityReason, type BrokenReference, resolveAuthority } from "./references.ts";

type Policy = MeshObject<GatewayApi.BackendTLSPolicy>;

export interface BackendTls {
  readonly hostname: string;
  readonly subjectAltNames: readonly GatewayApi.BackendSubjectAltName[];
  /** `invalid`: nothing that was named can be used, so nobody is trusted. */
  readonly authorities: { readonly pem: string } | "system" | "invalid";
}

/** The policy for a port: one that names it goes before one for the whole Service, then the oldest. */
export function backendTlsPolicyFor(
  read: GatewayApiReader,
  service: Pick<ServiceModel, "namespace" | "name" | "key">,
  portName: string,
): Policy | undefined {
  if (!service.key.startsWith("core/Service/")) return undefined;
  const policies = read.backendTlsPolicies(`${service.namespace}/${service.name}`);
  const targeting = (section: string | undefined) =>
    policies.find(({ spec }) => targets(spec, service.name, section));
  return (portName === "" ? undefined : targeting(portName)) ?? targeting(undefined);
}

export function targets(
  { targetRefs }: GatewayApi.BackendTLSPolicy,
  service: string,
  section: string | undefined,
): boolean {
  return targetRefs.some(
    ({ group, kind, name, sectionName }) =>
      group === "" && kind === "Service" && name === service && sectionName === section,
  );
}

export function backendTlsOf(read: GatewayApiReader, policy: Policy): BackendTls {
  const { hostname, subjectAltNames = [], wellKnownCACertificates } = policy.spec.validation;
  if (wellKnownCACertificates) {
    const known = wellKnownCACertificates === "System";
    return { hostname, subjectAltNames, authorities: known ? "system" : "invalid" };
  }
  const { pems } = authoritiesOf(read, policy);
  const authorities = pems.length > 0 ? { pem: pems.join("\n") } : ("invalid" as const);
  return { hostname, subjectAltNames, authorities };
}

/** Those of a policy's bundles that are there, and what is wrong with the others. */
export function authoritiesOf(
  read: GatewayApiReader,
  policy: Policy,
): {
  readonly pems: readonly string[];
  readonly broken: readonly BrokenReference<AuthorityReason>[];
} {
  const pems: string[] = [];
  const broken: BrokenReference<AuthorityReason>[] = [];
  for (const reference of policy.spec.validation.caCertificateRefs ?? []) {
    const found = resolveAuthority(read, referrerOf(policy), reference);
    if ("reason" in found) broken.push(found);
    else pems.push(found.pem);
  }
  return { pems, broken };
}
