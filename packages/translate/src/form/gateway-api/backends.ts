/** Backends of a route as destinations. Those that cannot be resolved keep their share, which is answered with an error. */
import {
  type GatewayApi,
  type GatewayApiReader,
  isBroken,
  type MeshObject,
  referrerOf,
  resolveBackend,
} from "@heddle/model";
import type { ConnectionDestination, Destination } from "../rule-set.ts";

export interface ResolvedBackend<Reference> {
  readonly reference: Reference;
  readonly destination: ConnectionDestination;
}

export interface ResolvedBackends<Reference> {
  readonly resolved: readonly ResolvedBackend<Reference>[];
  /** Sum of the weights of those that lead nowhere. */
  readonly brokenWeight: number;
}

export function resolveBackends<Reference extends GatewayApi.BackendRef>(
  read: GatewayApiReader,
  route: MeshObject,
  references: readonly Reference[] | undefined,
  { datagrams = false }: { readonly datagrams?: boolean } = {},
): ResolvedBackends<Reference> {
  const from = referrerOf(route);
  let brokenWeight = 0;
  const resolved = (references ?? []).flatMap((reference): ResolvedBackend<Reference>[] => {
    const { weight = 1 } = reference;
    const backend = resolveBackend(read, from, reference, { datagrams });
    if (isBroken(backend)) {
      brokenWeight += weight;
      return [];
    }
    return [{ reference, destination: { ...backend, weight } }];
  });
  return { resolved, brokenWeight };
}

/** Undefined where the reference leads nowhere. */
export function resolveOne(
  read: GatewayApiReader,
  route: MeshObject,
  reference: GatewayApi.BackendObjectReference,
): Destination | undefined {
  const backend = resolveBackend(read, referrerOf(route), reference);
  return isBroken(backend) ? undefined : backend;
}
