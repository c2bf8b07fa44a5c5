/** Objects that guard what is behind a proxy: which tokens count, checks of requests, rate limits, and the policy for overload. */
import {
  type MeshObject,
  objectKey,
  type OverloadPolicy,
  type RateLimit,
  type RequestAuthentication,
} from "@heddle/model";
import type { ModelReader } from "../read.ts";
import type { Targeted } from "../store/by-target.ts";
import { type ValidationFilters, validationFilters } from "../validation/filters.ts";

export interface Guards {
  readonly authentications: readonly MeshObject<RequestAuthentication>[];
  readonly limits: readonly MeshObject<RateLimit>[];
  readonly overload: MeshObject<OverloadPolicy> | undefined;
  readonly validation: ValidationFilters | undefined;
}

/** Keys of the guards of a workload or gateway; listeners with equal ones are guarded alike. */
export function guardKeys(read: ModelReader, proxy: Targeted): readonly string[] {
  const { namespace, labels } = proxy;
  const overload = read.overloadPolicy(namespace, labels);
  const validation = read.requestValidation(proxy);
  return [
    ...read.requestAuthentications(proxy),
    ...read.rateLimits(namespace, labels),
    ...(overload ? [overload] : []),
    ...(validation ? [validation] : []),
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
    validation: validationOf(read, keys),
  };
}

function validationOf(read: ModelReader, keys: readonly string[]): ValidationFilters | undefined {
  const key = keys.find((each) => each.startsWith(VALIDATIONS));
  return key === undefined ? undefined : read.get(validationFilters, key);
}

const VALIDATIONS = "heddle.dev/RequestValidation/";
