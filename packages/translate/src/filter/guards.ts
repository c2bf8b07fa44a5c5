/** Objects that guard what is behind a proxy: rate limits, and the policy for overload. */
import { type MeshObject, objectKey, type OverloadPolicy, type RateLimit } from "@heddle/model";
import type { ProxyDescription } from "../proxy.ts";
import type { ModelReader } from "../read.ts";

export interface Guards {
  readonly limits: readonly MeshObject<RateLimit>[];
  readonly overload: MeshObject<OverloadPolicy> | undefined;
}

/** Keys of the guards of a workload or gateway; listeners with equal ones are guarded alike. */
export function guardKeys(
  read: ModelReader,
  { namespace, labels }: Pick<ProxyDescription, "namespace" | "labels">,
): readonly string[] {
  const overload = read.overloadPolicy(namespace, labels);
  return [...read.rateLimits(namespace, labels), ...(overload ? [overload] : [])].map(objectKey);
}

export function guardsOf(read: ModelReader, keys: readonly string[]): Guards {
  const objects = keys.flatMap((key) => read.object<unknown>(key) ?? []);
  const ofKind = <Spec>(wanted: string) =>
    objects.filter(({ kind }) => kind === wanted) as MeshObject<Spec>[];
  return {
    limits: ofKind<RateLimit>("RateLimit"),
    overload: ofKind<OverloadPolicy>("OverloadPolicy")[0],
  };
}
