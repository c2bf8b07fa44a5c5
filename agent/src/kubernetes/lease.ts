/** A lease among replicas: what each does with the record that all of them read and write. Pure. */

/** How long what lasts, milliseconds. As in Kubernetes' own components. */
export interface LeaseTimes {
  /** A holder that has not renewed for so long is taken for gone. */
  readonly duration: number;
  /** A holder that could not renew for so long steps down: before anybody else may hold the lease. */
  readonly renewWithin: number;
  /** Between looks, and up to a fifth more. */
  readonly retry: number;
}

export const LEASE_TIMES: LeaseTimes = { duration: 15_000, renewWithin: 10_000, retry: 2_000 };

/** `spec` of a Lease of coordination.k8s.io. */
export interface LeaseSpec {
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  /** RFC 3339 with microseconds, by the holder's clock. */
  readonly acquireTime?: string;
  readonly renewTime?: string;
  readonly leaseTransitions?: number;
}

/** A record as this replica saw it first, by its own monotonic clock, milliseconds: times in it are of other clocks. */
export interface Observed {
  readonly spec: LeaseSpec;
  readonly at: number;
}

/** What was seen before stays, with its time, for as long as the record does not change. */
export function observe(before: Observed | undefined, spec: LeaseSpec, now: number): Observed {
  const same =
    before !== undefined &&
    before.spec.holderIdentity === spec.holderIdentity &&
    before.spec.renewTime === spec.renewTime &&
    before.spec.leaseTransitions === spec.leaseTransitions;
  return same ? before : { spec, at: now };
}

/** Whether somebody else holds it: then it is not to be touched. */
export function isHeldByAnother({ spec, at }: Observed, identity: string, now: number): boolean {
  const { holderIdentity = "", leaseDurationSeconds = 0 } = spec;
  if (holderIdentity === "" || holderIdentity === identity) return false;
  return now < at + leaseDurationSeconds * 1000;
}

/** The record with which a replica takes the lease, or keeps it. `wall`: milliseconds since 1970. */
export function held(
  before: LeaseSpec,
  identity: string,
  duration: number,
  wall: number,
): LeaseSpec {
  const keeps = before.holderIdentity === identity && before.acquireTime !== undefined;
  const now = microTime(wall);
  return {
    holderIdentity: identity,
    leaseDurationSeconds: Math.ceil(duration / 1000),
    acquireTime: keeps ? (before.acquireTime ?? now) : now,
    renewTime: now,
    leaseTransitions: (before.leaseTransitions ?? 0) + (keeps || !before.acquireTime ? 0 : 1),
  };
}

/** The record with which it is given back: others take it at their next look. */
export function released(before: LeaseSpec, wall: number): LeaseSpec {
  const now = microTime(wall);
  return {
    holderIdentity: "",
    leaseDurationSeconds: 1,
    acquireTime: now,
    renewTime: now,
    leaseTransitions: before.leaseTransitions ?? 0,
  };
}

function microTime(wall: number): string {
  return new Date(wall).toISOString().replace("Z", "000Z");
}
