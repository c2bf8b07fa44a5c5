import { parseDocuments } from "@heddle/model";
import { expect, test } from "vitest";
import { checkPatches } from "./check-patches.ts";

const filter = (value: string) => `apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: { name: f }
spec:
  configPatches:
    - applyTo: CLUSTER
      patch:
        operation: MERGE
        value: ${value}
`;

test("names the line of a field that Envoy's API does not have", () => {
  const read = (value: string) =>
    checkPatches(parseDocuments(filter(value), { file: "f.yaml" }).objects);
  expect(read("{ outlier_detection: { consecutive_5xx: 3 } }")).toEqual([]);
  expect(read("{ outlier_detection: { consecutive_5xs: 3 } }")).toMatchObject([
    { code: "HDL4003", reference: "f.yaml:9", origin: "EnvoyFilter default/f" },
  ]);
});
