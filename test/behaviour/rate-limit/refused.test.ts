/** What requests cannot be counted by yet. */
import { parseObject } from "@heddle/model";
import { describe, expect } from "vitest";
import { refuses } from "../proves.ts";

const problems = (key: object) =>
  parseObject({
    apiVersion: "heddle.dev/v1",
    kind: "RateLimit",
    metadata: { name: "few", namespace: "default" },
    spec: { limits: [{ requests: 5, per: "1m", by: [key] }] },
  }).diagnostics;

describe("what a RateLimit cannot count by", () => {
  refuses(
    "RateLimit",
    ["limits[].by[].claim"],
    "a claim of a token is refused with the kind that it waits for: HDL0080",
    () => {
      expect(problems({ header: "x-user" })).toEqual([]);
      const [problem, ...others] = problems({ claim: "sub" });
      expect(others).toEqual([]);
      expect(problem).toMatchObject({
        code: "HDL0080",
        level: "Error",
        path: "spec.limits[0].by[0].claim",
      });
      expect(problem?.message).toContain("RequestAuthentication is not in effect yet");
      expect(problem?.remedy).toContain("source: PRINCIPAL");
    },
  );
});
