import type { DestinationRule, Subset, TrafficPolicy } from "@heddle/model";
import { describe, expect, it } from "vitest";
import { policyFor } from "./policy.ts";

const RANDOM = { simple: "RANDOM" } as const;
const ROUND_ROBIN = { simple: "ROUND_ROBIN" } as const;
const POOL = { tcp: { maxConnections: 1 } };
const OUTLIERS = { consecutive5xxErrors: 1 };
const V2 = { version: "V2" } as const;
const TUNNEL = { targetHost: "example.com", targetPort: 443 };

function policy(rule: TrafficPolicy | undefined, subset?: TrafficPolicy, port = 80) {
  const spec: DestinationRule = { host: "a", ...(rule ? { trafficPolicy: rule } : {}) };
  const of: Subset | undefined = subset && { name: "v1", trafficPolicy: subset };
  return policyFor(spec, of, port);
}

describe("a policy", () => {
  it("of a subset goes over the rule's, setting by setting", () => {
    expect(
      policy({ loadBalancer: RANDOM, connectionPool: POOL }, { loadBalancer: ROUND_ROBIN }),
    ).toEqual({ loadBalancer: ROUND_ROBIN, connectionPool: POOL });
    expect(policy(undefined, { loadBalancer: RANDOM })).toEqual({ loadBalancer: RANDOM });
    expect(
      policyFor({ host: "a", trafficPolicy: { connectionPool: POOL } }, { name: "v1" }, 80),
    ).toEqual({ connectionPool: POOL });
  });

  it("of a port replaces all that its level says, and is for that port alone", () => {
    const rule: TrafficPolicy = {
      connectionPool: POOL,
      proxyProtocol: V2,
      retryBudget: { percent: 1 },
      portLevelSettings: [{ port: { number: 80 }, loadBalancer: RANDOM }],
    };
    expect(policy(rule)).toEqual({ loadBalancer: RANDOM });
    expect(policy(rule, undefined, 81)).toEqual({
      connectionPool: POOL,
      proxyProtocol: V2,
      retryBudget: { percent: 1 },
    });
  });

  it("of a subset's port hides the rule's, but not what is not a port's", () => {
    const rule: TrafficPolicy = {
      connectionPool: POOL,
      outlierDetection: OUTLIERS,
      proxyProtocol: V2,
    };
    const subset: TrafficPolicy = {
      connectionPool: POOL,
      portLevelSettings: [{ port: { number: 80 }, loadBalancer: RANDOM }],
    };
    expect(policy(rule, subset)).toEqual({ loadBalancer: RANDOM, proxyProtocol: V2 });
    expect(policy(rule, subset, 81)).toEqual(rule);
  });

  it("of a subset goes over the rule's for a port", () => {
    const rule: TrafficPolicy = {
      portLevelSettings: [{ port: { number: 80 }, loadBalancer: RANDOM, connectionPool: POOL }],
    };
    expect(policy(rule, { loadBalancer: ROUND_ROBIN })).toEqual({
      loadBalancer: ROUND_ROBIN,
      connectionPool: POOL,
    });
  });

  it("has the tunnel of its level whatever the port", () => {
    const rule: TrafficPolicy = {
      tunnel: TUNNEL,
      portLevelSettings: [{ port: { number: 80 }, loadBalancer: RANDOM }],
    };
    expect(policy(rule)).toEqual({ loadBalancer: RANDOM, tunnel: TUNNEL });
    expect(policy(rule, { loadBalancer: ROUND_ROBIN }).tunnel).toEqual(TUNNEL);
    const other = { ...TUNNEL, targetPort: 444 };
    expect(policy(rule, { tunnel: other }).tunnel).toEqual(other);
  });
});
