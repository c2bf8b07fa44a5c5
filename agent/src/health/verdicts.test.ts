import { describe, expect, test } from "vitest";
import { timesOf } from "./check.ts";
import { judge, newRun, type Verdict } from "./verdicts.ts";

const TIMES = timesOf({
  periodSeconds: 2,
  timeoutSeconds: 1,
  successThreshold: 3,
  failureThreshold: 2,
});

/** Verdicts after reports, of which there is one each half second: `+` healthy, `-` not. */
function after(reports: string, verdict: Verdict, grpc = false): string[] {
  const run = newRun();
  let now = 0;
  return [...reports].map((report) => {
    verdict = judge(verdict, run, report === "+", TIMES, grpc, (now += 500));
    return String(verdict);
  });
}

describe("a verdict on a workload", () => {
  test("waits for as many successes as the probe asks for, which Envoy does not at first", () => {
    const found = after("+".repeat(10), "waiting");
    expect(found.slice(0, 8)).toEqual(Array(8).fill("waiting"));
    expect(found.slice(8)).toEqual(["up", "up"]);
  });

  test("of a workload that was well stays until its first checks can have failed", () => {
    const found = after("-".repeat(8), "up");
    expect(found.slice(0, 6)).toEqual(Array(6).fill("up"));
    expect(found.slice(6)).toEqual(["down", "down"]);
    expect(after("---+++", "up")).toEqual(Array(6).fill("up"));
    expect(after("---", undefined)).toEqual(Array(3).fill("undefined"));
  });

  test("follows Envoy once that has found the workload well, since it counts from then on", () => {
    expect(after("+-+", "up")).toEqual(["up", "down", "up"]);
  });

  test("of a gRPC server that does not serve waits for as many failures as the probe asks for", () => {
    expect(after("+-----", "up", true)).toEqual(["up", "up", "up", "up", "up", "down"]);
    expect(after("+--+--", "up", true)).toEqual(Array(6).fill("up"));
  });
});
