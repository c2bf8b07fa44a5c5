/** What the cluster says of objects beside what the mesh reads: which generation was read, and the status that stands there. */
import { isFields, type Fields } from "@heddle/model";
import type { Place } from "../../kubernetes/client.ts";
import type { RawObject } from "./reflector.ts";
import { apiVersionOf, type WatchedKind } from "./watched.ts";

export interface ObservedObject {
  readonly place: Place;
  readonly name: string;
  readonly kind: string;
  readonly generation: number;
  readonly resourceVersion: string;
  /** Empty where there is none. */
  readonly status: Fields;
  /** What the mesh has of it is this generation; else it has errors, and an older one is in force. */
  readonly inForce: boolean;
}

/** Kinds whose status a mesh writes: its own, and Ingresses. */
export function hasStatus({ group, kind, builtIn }: WatchedKind): boolean {
  return builtIn ? `${group}/${kind}` === "networking.k8s.io/Ingress" : kind !== "ReferenceGrant";
}

export function observedOf(
  kind: WatchedKind,
  version: string,
  { metadata, status }: RawObject,
  inForce: boolean,
): ObservedObject {
  const { name, namespace, resourceVersion = "", generation } = metadata;
  return {
    place: {
      apiVersion: apiVersionOf(kind, version),
      plural: kind.plural,
      ...(namespace === undefined ? {} : { namespace }),
    },
    ...{ name, kind: kind.kind, resourceVersion, inForce },
    generation: typeof generation === "number" ? generation : 0,
    status: isFields(status) ? status : {},
  };
}
