import type { AuthorizationPolicy, MeshObject, RequestValidation } from "@heddle/model";
import { describe, expect, it } from "vitest";
import { authorizationPolicy, object } from "../../../test/harness/objects.ts";
import { analyze } from "./analyze.ts";

type Operation = NonNullable<
  NonNullable<NonNullable<AuthorizationPolicy["rules"]>[number]["to"]>[number]["operation"]
>;

const policy = (
  action: NonNullable<AuthorizationPolicy["action"]>,
  operation: Operation,
  of: Partial<AuthorizationPolicy> = {},
) => authorizationPolicy("p", { action, ...of, rules: [{ to: [{ operation }] }] });

const found = (...objects: readonly MeshObject[]) =>
  analyze(objects)
    .filter(({ code }) => code === "HDL0158" || code === "HDL0159")
    .map(({ code, level, path }) => `${code} ${level} ${path}`);

const AT = "spec.rules[0].to[0].operation";

describe("a rule for a host", () => {
  it("that denies is told to be a hole where a port is named, and one that allows to be narrower than it seems", () => {
    expect(found(policy("DENY", { hosts: ["a.test"] }))).toEqual([`HDL0158 Warning ${AT}.hosts`]);
    expect(found(policy("ALLOW", { hosts: ["a.test"] }))).toEqual([`HDL0158 Info ${AT}.hosts`]);
    expect(found(policy("ALLOW", { notHosts: ["*.test"] }))).toEqual([
      `HDL0158 Warning ${AT}.notHosts`,
    ]);
    expect(found(policy("DENY", { notHosts: ["a.test"] }))).toEqual([
      `HDL0158 Info ${AT}.notHosts`,
    ]);
  });

  it("is well with any port, with its own, and by its beginning", () => {
    expect(
      found(
        policy("DENY", { hosts: ["a.test", "a.test:*", "b.test:8080", "c.*", "*", "[::1]:80"] }),
      ),
    ).toEqual([]);
  });

  it("says what to add", () => {
    const [told] = analyze([policy("DENY", { hosts: ["a.test"] })]);
    expect(told).toMatchObject({
      message:
        "a.test: a request that names a port beside the host, such as a.test:8080, is not matched, and is let in.",
      remedy: 'Add "a.test:*" beside it.',
    });
  });
});

describe("a rule for a path that denies", () => {
  const validation = (spec: RequestValidation, namespace?: string) =>
    object<RequestValidation>("heddle.dev/v1", "RequestValidation", "v", spec, namespace);
  const strict = { mergeSlashes: true, escapedSlashes: "DECODE" } as const;
  const denying = policy(
    "DENY",
    { paths: ["/secret"] },
    { selector: { matchLabels: { app: "a" } } },
  );
  const told = [`HDL0159 Info ${AT}.paths`];

  it("is told of other ways to write it", () => {
    expect(found(denying)).toEqual(told);
    expect(found(policy("ALLOW", { notPaths: ["/secret*"] }))).toEqual([
      `HDL0159 Info ${AT}.notPaths`,
    ]);
  });

  it("is well where it is no hole, or covers them", () => {
    expect(found(policy("ALLOW", { paths: ["/secret"] }))).toEqual([]);
    expect(found(policy("DENY", { paths: ["*", "/*", "/{**}", "*.php"] }))).toEqual([]);
    const targetRefs = [{ group: "gateway.networking.k8s.io", kind: "Gateway", name: "edge" }];
    expect(found(policy("DENY", { paths: ["/secret"] }, { targetRefs }))).toEqual([]);
  });

  it("is well where its workloads have their paths rewritten, by slashes and escapes alike", () => {
    expect(found(denying, validation({ paths: strict }))).toEqual([]);
    expect(found(denying, validation({ paths: strict }, "istio-system"))).toEqual([]);
    const selector = (app: string) => ({ matchLabels: { app } });
    expect(found(denying, validation({ paths: strict, selector: selector("a") }))).toEqual([]);
    for (const weak of [
      validation({ paths: { mergeSlashes: true } }),
      validation({ paths: { escapedSlashes: "REFUSE" } }),
      validation({ paths: strict, mode: "REPORT" }),
      validation({ paths: strict, selector: selector("b") }),
      validation({ paths: strict }, "elsewhere"),
    ])
      expect(found(denying, weak)).toEqual(told);
  });
});
