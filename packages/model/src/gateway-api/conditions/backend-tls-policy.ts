/**
 * Status of BackendTLSPolicies. Gateways that lead to a Service of the policy are its ancestors; a Service that none leads to is
 * one itself, since clients in the mesh are meant too.
 */
import { serviceHost } from "../../host.ts";
import type * as GatewayApi from "../../kinds/gateway-api/index.ts";
import { type MeshObject, objectKey } from "../../object.ts";
import { authoritiesOf, targets } from "../backend-tls.ts";
import { parentState } from "../attachment.ts";
import { parentsOf } from "../default-gateways.ts";
import { GATEWAY_CONTROLLERS } from "../gateway-class.ts";
import { gatewayOfSet } from "../places.ts";
import { GATEWAY_API, type GatewayApiReader } from "../reader.ts";
import { type Condition, fails, holds } from "./condition.ts";

export interface PolicyAncestorStatus {
  readonly ancestorRef: GatewayApi.PolicyTargetReference | GatewayApi.ParentReference;
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
  const { namespace } = policy.metadata;
  const ancestors = new Map<string, PolicyAncestorStatus>();
  for (const [index, target] of policy.spec.targetRefs.entries()) {
    const problem = targetProblem(read, policy, target, `spec.targetRefs[${index}]`);
    const conditions = [problem ?? untrusting ?? holds("Accepted", "Accepted"), references];
    const gateways = gatewaysTo(read, `${namespace}/${target.name}`);
    const own = gateways.length > 0 ? gateways : [target];
    for (const ancestorRef of own) {
      const key = JSON.stringify(ancestorRef);
      // Of several targets behind one Gateway one that has a problem is told of.
      if (problem || !ancestors.has(key))
        ancestors.set(key, {
          ancestorRef,
          controllerName: GATEWAY_CONTROLLERS[0] ?? "",
          conditions,
        });
    }
  }
  return { ancestors: [...ancestors.values()].slice(0, MOST_ANCESTORS) };
}

/** As the Gateway API limits them. */
const MOST_ANCESTORS = 16;

/** Gateways of ours with routes that lead to a Service `namespace/name`. */
function gatewaysTo(
  read: GatewayApiReader,
  service: string,
): readonly GatewayApi.ParentReference[] {
  const names = read.routesTo(service).flatMap((route) =>
    parentsOf(read, route).flatMap(({ reference }) => {
      if (parentState(read, route, reference).state !== "attached") return [];
      const { group = GATEWAY_API, kind = "Gateway", name } = reference;
      const namespace = reference.namespace ?? route.metadata.namespace;
      if (kind === "Gateway" && group === GATEWAY_API) return [`${namespace}/${name}`];
      const set = read.object<GatewayApi.ListenerSet>(`${group}/${kind}/${namespace}/${name}`);
      return (set && gatewayOfSet(set.spec, namespace)) ?? [];
    }),
  );
  return [...new Set(names)].toSorted().map((each) => {
    const [namespace = "", name = ""] = each.split("/");
    return { group: GATEWAY_API, kind: "Gateway", namespace, name };
  });
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
