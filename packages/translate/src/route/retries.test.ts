import { describe, expect, test } from "vitest";
import { retryPolicy } from "./retries.ts";

describe("retries", () => {
  test("are Istio's where a rule says nothing: twice, elsewhere, and no 503 of the application", () => {
    expect(retryPolicy(undefined, false)).toMatchObject({
      numRetries: 2,
      retryOn: "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes",
      hostSelectionRetryMaxAttempts: "5",
      retryHostPredicate: [{ name: "envoy.retry_host_predicates.previous_hosts" }],
    });
    expect(retryPolicy(undefined, false)).not.toHaveProperty("retriableStatusCodes");
  });

  test("stay on the host that a hash gives, unless the rule says otherwise", () => {
    expect(retryPolicy(undefined, true)).not.toHaveProperty("retryHostPredicate");
    expect(retryPolicy({ attempts: 1 }, true)).not.toHaveProperty("retryHostPredicate");
    expect(retryPolicy({ attempts: 1, retryIgnorePreviousHosts: true }, true)).toHaveProperty(
      "retryHostPredicate",
    );
    expect(retryPolicy({ attempts: 1, retryIgnorePreviousHosts: false }, false)).not.toHaveProperty(
      "retryHostPredicate",
    );
  });

  test("are off with 0 attempts", () => {
    expect(retryPolicy({ attempts: 0 }, false)).toBeUndefined();
  });

  test("take status codes out of the conditions", () => {
    expect(retryPolicy({ attempts: 3, retryOn: "503, reset,429" }, false)).toMatchObject({
      numRetries: 3,
      retryOn: "reset,retriable-status-codes",
      retriableStatusCodes: [503, 429],
    });
    expect(retryPolicy({ attempts: 3, retryOn: "gateway-error" }, false)).toMatchObject({
      retryOn: "gateway-error",
    });
  });

  test("carry the time for one attempt, the back-off and the other localities", () => {
    const wanted = {
      attempts: 2,
      perTryTimeout: "1.5s",
      backoff: "10ms",
      retryRemoteLocalities: true,
    };
    expect(retryPolicy(wanted, false)).toMatchObject({
      perTryTimeout: "1.500s",
      retryBackOff: { baseInterval: "0.010s" },
      retryPriority: { name: "envoy.retry_priorities.previous_priorities" },
    });
  });
});
