/** Objects that guard what is behind a proxy: which tokens count, authorization policies, checks of requests, rate limits, and the policy for overload. */
import {
  type AuthorizationPolicy,
  type MeshObject,
  objectKey,
  type OverloadPolicy,
  type RateLimit,
  type RequestAuthentication,
} from "@heddle/model";
import {
  type AuthorizationFilters,
  authorizationFilters,
  NO_AUTHORIZATION,
} from "../authorization/filters.ts";
import { providerNamed } from "../authorization/provider.ts";
import { derivation, type ModelReader } from "../read.ts";
import type { Targeted } from "../store/by-target.ts";
import { type ValidationFilters, validationFilters } from "../validation/filters.ts";

export interface Guards {
  readonly authentications: readonly MeshObject<RequestAuthentication>[];
  readonly limits: readonly MeshObject<RateLimit>[];
  readonly overload: MeshObject<OverloadPolicy> | undefined;
  readonly validation: ValidationFilters | undefined;
  readonly authorization: AuthorizationFilters;
}

/** Keys of the guards of a workload or gateway; listeners with equal ones are guarded alike. */
export function guardKeys(read: ModelReader, proxy: Targeted): readonly string[] {
  const { namespace, labels } = proxy;
  const overload = read.overloadPolicy(namespace, labels);
  const validation = read.requestValidation(proxy);
  return [
    ...read.requestAuthentications(proxy),
    ...read.authorizationPolicies(proxy),
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
    authorization: authorizationOf(read, keys),
    validation: validationOf(read, keys),
  };
}

function validationOf(read: ModelReader, keys: readonly string[]): ValidationFilters | undefined {
  const key = keys.find((each) => each.startsWith(VALIDATIONS));
  return key === undefined ? undefined : read.get(validationFilters, key);
}

const VALIDATIONS = "heddle.dev/RequestValidation/";

/** Of the policies among some guards; the only guards that connections have, too. */
export function authorizationOf(read: ModelReader, keys: readonly string[]): AuthorizationFilters {
  const policies = keys.filter((key) => key.startsWith(POLICIES));
  return policies.length > 0 ? read.get(filtersOf, policies) : NO_AUTHORIZATION;
}

const POLICIES = "security.istio.io/AuthorizationPolicy/";

/** Shared by all listeners that the same policies are for. */
const filtersOf = derivation<readonly string[], AuthorizationFilters>(
  "authorization/filters",
  (keys) => keys.join("|"),
  (read, keys) => {
    const { trustDomain, trustDomainAliases, federatedTrustDomains } = read.mesh;
    return authorizationFilters({
      policies: keys.flatMap((key) => read.object<AuthorizationPolicy>(key) ?? []),
      trustDomains: {
        trustDomain,
        ...(trustDomainAliases ? { trustDomainAliases } : {}),
        ...(federatedTrustDomains ? { federatedTrustDomains } : {}),
      },
      provider: (name) => providerNamed(read, name),
    });
  },
);
