/** Requests and answers of Envoy's rate limit service (envoy.service.ratelimit.v3), which agents also ask each other by. */
import { decode, encode } from "@heddle/envoy";
import type { RateLimitDescriptor_Entry } from "@heddle/envoy/extensions/common/ratelimit/v3";
import type { RateLimitRequest, RateLimitResponse } from "@heddle/envoy/service/ratelimit/v3";
import type { Quota, Verdict } from "./windows.ts";

const REQUEST = "envoy.service.ratelimit.v3.RateLimitRequest";
const RESPONSE = "envoy.service.ratelimit.v3.RateLimitResponse";

/** One thing to count. */
export interface Counted {
  readonly key: string;
  readonly quota: Quota;
  /** Counted and reported, never refused. */
  readonly shadow: boolean;
  readonly domain: string;
  readonly entries: readonly RateLimitDescriptor_Entry[];
}

export interface Ask {
  /** Undefined for a descriptor that says no quota: nothing is known to limit it. */
  readonly counted: readonly (Counted | undefined)[];
  readonly hits: number;
}

/** Throws a `ValueError` for bytes that are no request. */
export function readAsk(bytes: Uint8Array): Ask {
  const { domain = "", descriptors = [], hitsAddend } = decode(REQUEST, bytes) as RateLimitRequest;
  return {
    counted: descriptors.map(({ entries = [] }) => countedOf(domain, entries)),
    // Left out, it is one request.
    hits: hitsAddend || 1,
  };
}

function countedOf(
  domain: string,
  entries: readonly RateLimitDescriptor_Entry[],
): Counted | undefined {
  const text = entries.find(({ key }) => key === "quota")?.value ?? "";
  const [, requests, seconds, shadow] = /^(\d+)\/(\d+)(\/shadow)?$/.exec(text) ?? [];
  const quota = { requests: Number(requests), seconds: Number(seconds) };
  if (!(quota.requests > 0) || !(quota.seconds > 0)) return undefined;
  const key = JSON.stringify([domain, ...entries.map((entry) => [entry.key, entry.value])]);
  return { key, quota, shadow: shadow !== undefined, domain, entries };
}

export function writeAnswer(
  counted: Ask["counted"],
  verdicts: readonly (Verdict | undefined)[],
): Uint8Array {
  const statuses = counted.map(
    (each, index): NonNullable<RateLimitResponse["statuses"]>[number] => {
      const verdict = verdicts[index];
      if (each === undefined || verdict === undefined || each.shadow) return { code: "OK" };
      return {
        code: verdict.allowed ? "OK" : "OVER_LIMIT",
        currentLimit: {
          requestsPerUnit: each.quota.requests,
          unit: "SECOND",
          unitMultiplier: each.quota.seconds,
        },
        limitRemaining: verdict.remaining,
        durationUntilReset: `${(Math.ceil(verdict.resetIn) / 1000).toFixed(3)}s`,
      };
    },
  );
  const over = statuses.some(({ code }) => code === "OVER_LIMIT");
  const response: RateLimitResponse = { overallCode: over ? "OVER_LIMIT" : "OK", statuses };
  return encode(RESPONSE, response);
}

/** The same thing asked of another agent. */
export function writeForwarded({ domain, entries }: Counted, hits: number): Uint8Array {
  const request: RateLimitRequest = { domain, descriptors: [{ entries }], hitsAddend: hits };
  return encode(REQUEST, request);
}

/** The other agent's verdict. Throws for an answer that has none. */
export function readForwarded(bytes: Uint8Array): Verdict {
  const { statuses = [] } = decode(RESPONSE, bytes) as RateLimitResponse;
  const [status] = statuses;
  if (status === undefined) throw new Error("the answer says nothing of the limit");
  return {
    allowed: status.code !== "OVER_LIMIT",
    remaining: status.limitRemaining ?? 0,
    resetIn: Number.parseFloat(status.durationUntilReset ?? "0") * 1000,
  };
}
