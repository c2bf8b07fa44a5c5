/** OverloadPolicy of heddle.dev: how a workload's proxy, or a gateway, keeps too many requests away from what is behind it. */
import type { WorkloadSelector } from "./destination.ts";

/** Of several that are for a workload the narrowest counts: one that selects it, its namespace's, the root namespace's. */
export interface OverloadPolicy {
  /** Sidecars and gateways by their pods' labels. Absent: the namespace's, or from the root namespace the mesh's. */
  readonly selector?: WorkloadSelector;
  readonly concurrency?: AdaptiveConcurrency;
  readonly admission?: AdmissionControl;
}

/**
 * As many requests at a time as do not make answers slower: found out from latencies while requests go through
 * (gradient control). More are answered with 503 at once.
 */
export interface AdaptiveConcurrency {
  /** Never more at a time; 1000 where it is left out. */
  readonly max?: number;
  /** Never fewer, also while the best latency is measured; 3 where it is left out. */
  readonly min?: number;
  /** Which percentile of latencies is looked at; 90 where it is left out. */
  readonly percentile?: number;
  /** How often the number is adjusted; 100ms where it is left out. */
  readonly every?: string;
  /** How often the best latency is measured anew; 60s where it is left out. */
  readonly recalibrate?: string;
}

/** Refuses requests by chance, with 503, the more of them the fewer have succeeded lately. */
export interface AdmissionControl {
  /** Percent of requests that succeed when all is well: below it some are refused; 95 where it is left out. */
  readonly successRate?: number;
  /** What "lately" is; in whole seconds; 30s where it is left out. */
  readonly window?: string;
  /** Requests per second below which none is refused; 0 where it is left out. */
  readonly minimumRate?: number;
  /** Percent of requests that may be refused at most; 80 where it is left out. */
  readonly maxRefused?: number;
  /** 1 refuses in proportion, more refuses earlier; 1 where it is left out. */
  readonly aggression?: number;
}
