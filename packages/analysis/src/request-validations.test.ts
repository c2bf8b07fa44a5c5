import type { MeshObject, RequestValidation, ValidationMatch } from "@heddle/model";
import { expect, test } from "vitest";
import { analyze } from "./analyze.ts";

function found(spec: RequestValidation): string[] {
  const metadata = { name: "a", namespace: "default", labels: {}, annotations: {} };
  const object: MeshObject = {
    ...{ apiVersion: "heddle.dev/v1", kind: "RequestValidation" },
    ...{ metadata, spec },
  };
  return analyze([object]).map(({ code, path }) => `${code} ${path ?? ""}`);
}

const rules = (...matches: readonly (ValidationMatch | undefined)[]) => ({
  rules: matches.map((match) => ({ methods: ["GET"], ...(match ? { match } : {}) })),
});

test.each<[string, RequestValidation, string[]]>([
  ["behind one for all requests", rules(undefined, { route: "a" }), ["HDL0185 spec.rules[1]"]],
  [
    "behind a wider path",
    rules({ path: { prefix: "/a" } }, { path: { exact: "/ab" }, method: { exact: "GET" } }),
    ["HDL0185 spec.rules[1]"],
  ],
  [
    "behind the same",
    rules({ path: { regex: "/a" }, route: "r" }, { path: { regex: "/a" }, route: "r" }),
    ["HDL0185 spec.rules[1]"],
  ],
  ["the narrower one first", rules({ path: { exact: "/ab" } }, { path: { prefix: "/a" } }), []],
  ["behind one for another route", rules({ route: "a" }, { route: "b" }), []],
  [
    "behind one for a method",
    rules({ method: { exact: "GET" }, path: { prefix: "/" } }, { path: { prefix: "/a" } }),
    [],
  ],
  ["behind another expression", rules({ path: { regex: "/.*" } }, { path: { exact: "/a" } }), []],
])("a rule %s", (_, spec, codes) => expect(found(spec)).toEqual(codes));

test("a rule that takes other methods than it matches", () => {
  const rule = { match: { method: { exact: "GET" } }, methods: ["POST"] };
  expect(found({ rules: [rule] })).toEqual(["HDL0187 spec.rules[0].methods"]);
  expect(found({ rules: [{ ...rule, methods: ["GET", "POST"] }] })).toEqual([]);
});

test("paths that are not rewritten while requests are only reported", () => {
  const paths = { mergeSlashes: true };
  expect(found({ mode: "REPORT", paths })).toEqual(["HDL0188 spec.paths"]);
  expect(found({ paths })).toEqual([]);
});
