/** Status of BackendTLSPolicies: each Service that they are for is an ancestor, since all clients of it are meant. */
import { serviceHost } from "../../host.ts";
import type * as GatewayApi from "../../kinds/gateway-api/index.ts";
import { type MeshObject, objectKey } from "../../object.ts";
import { authoritiesOf, targets } from "../backend-tls.ts";
import { GATEWAY_CONTROLLERS } from "../gateway-class.ts";
import type { GatewayApiReader } from "../reader.ts";
import { type Condition, fails, holds } from "./condition.ts";

export interface PolicyAncestorStatus {
  readonly ancestorRef: GatewayApi.PolicyTargetReference;
  readonly controllerName: string;
  readonly conditions: readonly Condition[];
}

export function backendTlsPolicyStatus(
  read: GatewayApiReader,
  policy: MeshObject<GatewayApi.BackendTLSPolicy>,
): { readonly ancestors: readonly PolicyAncestorStatus[] } {
  const { caCertificateRefs = [], wellKnownCACertificates } = policy.spec.validation;
  const { pems, broken } = authoritiesOf(read, policy);
  const [first] = broken;
  const path = "spec.validation.caCertificateRefs";
  const references = first
    ? fails(
        "ResolvedRefs",
        first.reason === "InvalidCACertificateKind" ? "InvalidKind" : "InvalidCACertificateRef",
        first.message,
        path,
      )
    : holds("ResolvedRefs", "ResolvedRefs");
  const untrusting =
    caCertificateRefs.length > 0 && pems.length === 0
      ? fails("Accepted", "NoValidCACertificate", "no certificate to verify by can be used", path)
      : wellKnownCACertificates && wellKnownCACertificates !== "System"
        ? fails(
            "Accepted",
            "Invalid",
            `the certificates ${wellKnownCACertificates} are not known here: System is`,
            "spec.validation.wellKnownCACertificates",
          )
        : undefined;
  return {
    ancestors: policy.spec.targetRefs.map((ancestorRef, index) => ({
      ancestorRef,
      controllerName: GATEWAY_CONTROLLERS[0] ?? "",
      conditions: [
        targetProblem(read, policy, ancestorRef, `spec.targetRefs[${index}]`) ??
          untrusting ??
          holds("Accepted", "Accepted"),
        references,
      ],
    })),
  };
}

function targetProblem(
  read: GatewayApiReader,
  policy: MeshObject<GatewayApi.BackendTLSPolicy>,
  { group, kind, name, sectionName }: GatewayApi.PolicyTargetReference,
  path: string,
): Condition | undefined {
  if (group !== "" || kind !== "Service") {
    return fails("Accepted", "Invalid", `${kind} cannot be a target: only Services can`, path);
  }
  const { namespace } = policy.metadata;
  const service = read.service(serviceHost(name, namespace, read.clusterDomain));
  if (read.knowsServices && service === undefined) {
    return fails("Accepted", "TargetNotFound", `there is no Service ${namespace}/${name}`, path);
  }
  if (
    sectionName !== undefined &&
    service &&
    !service.ports.some((each) => each.name === sectionName)
  ) {
    const message = `Service ${namespace}/${name} has no port named ${sectionName}`;
    return fails("Accepted", "TargetNotFound", message, path);
  }
  const winner = read
    .backendTlsPolicies(`${namespace}/${name}`)
    .find(({ spec }) => targets(spec, name, sectionName));
  if (winner && objectKey(winner) !== objectKey(policy)) {
    const message = `BackendTLSPolicy ${namespace}/${winner.metadata.name} is older and for the same target`;
    return fails("Accepted", "Conflicted", message, path);
  }
  return undefined;
}
