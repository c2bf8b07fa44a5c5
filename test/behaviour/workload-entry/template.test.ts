/** What a WorkloadGroup's template says that its workloads do not take over. */
import { parseObject } from "@heddle/model";
import { describe, expect } from "vitest";
import { warns } from "../proves.ts";

describe("the template of a WorkloadGroup", () => {
  warns(
    "WorkloadGroup",
    ["template.address"],
    "an address in the template is warned of, since each workload has its own: HDL0032",
    () => {
      const problems = (address: object) =>
        parseObject({
          apiVersion: "networking.istio.io/v1",
          kind: "WorkloadGroup",
          metadata: { name: "machines", namespace: "default" },
          spec: { template: { serviceAccount: "machine", ...address } },
        }).diagnostics.map(({ code, level, path }) => `${code} ${level} ${path}`);
      expect(problems({})).toEqual([]);
      expect(problems({ address: "10.0.0.1" })).toEqual(["HDL0032 Warning spec.template.address"]);
    },
  );
});
