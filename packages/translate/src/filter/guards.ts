/** Objects that guard what is behind a proxy: which tokens count, rate limits, and the policy for overload. */
import {
  type MeshObject,
  objectKey,
  type OverloadPolicy,
  type RateLimit,
  type RequestAuthentication,
} from "@heddle/model";
import type { ModelReader } from "../read.ts";
import type { Targeted } from "../store/by-target.ts";

export interface Guards {
  readonly authentications: readonly MeshObject<RequestAuthentication>[];
  readonly limits: readonly MeshObject<RateLimit>[];
  readonly overload: MeshObject<OverloadPolicy> | undefined;
}

/** Keys of the guards of a workload or gateway; listeners with equal ones are guarded alike. */
export function guardKeys(read: ModelReader, proxy: Targeted): readonly string[] {
  const { namespace, labels } = proxy;
  const overload = read.overloadPolicy(namespace, labels);
  return [
    ...read.requestAuthentications(proxy),
    ...read.rateLimits(namespace, labels),
    ...(overload ? [overload] : []),
  ].map(objectKey);
}

export function guardsOf(read: ModelReader, keys: readonly string[]): Guards {
  const objects = keys.flatMap((key) => read.object<unknown>(key) ?? []);
  const ofKind = <Spec>(wanted: string) =>
    objects.filter(({ kind }) => kind === wanted) as MeshObject<Spec>[];
  return {
    authentications: ofKind<RequestAuthentication>("RequestAuthentication"),
    limits: ofKind<RateLimit>("RateLimit"),
    overload: ofKind<OverloadPolicy>("OverloadPolicy")[0],
  };
}
