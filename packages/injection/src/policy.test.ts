import { describe, expect, test } from "vitest";
import type { PodTemplate } from "./pod.ts";
import { type InjectionPolicy, whyNot } from "./policy.ts";

const DEFAULT: InjectionPolicy = { revision: "default", isDefault: true };
const BESIDE: InjectionPolicy = { revision: "heddle", isDefault: false };

function why(
  namespace: Readonly<Record<string, string>>,
  labels: Readonly<Record<string, string>> = {},
  policy = DEFAULT,
  annotations: Readonly<Record<string, string>> = {},
) {
  const pod: PodTemplate = { metadata: { labels, annotations }, spec: { containers: [] } };
  return whyNot(pod, { name: "shop", labels: namespace }, policy);
}

describe("who has a proxy put in", () => {
  test.each([
    ["a namespace that says so", { "istio-injection": "enabled" }, {}, undefined],
    ["nobody", {}, {}, "nobody asked"],
    ["a pod that says so", {}, { "sidecar.istio.io/inject": "true" }, undefined],
    ["a pod of ours that says so", {}, { "heddle.dev/inject": "yes" }, undefined],
    [
      "a pod that says no",
      { "istio-injection": "enabled" },
      { "sidecar.istio.io/inject": "false" },
      "pod says no",
    ],
    [
      "a pod, against its namespace",
      { "istio-injection": "disabled" },
      { "sidecar.istio.io/inject": "true" },
      "namespace says no",
    ],
    ["the namespace's revision", { "istio.io/rev": "default" }, {}, undefined],
    ["another revision", { "istio.io/rev": "canary" }, {}, "another revision"],
    ["the pod's revision", {}, { "istio.io/rev": "default" }, undefined],
    [
      "the namespace's revision over the pod's",
      { "istio.io/rev": "canary" },
      { "istio.io/rev": "default" },
      "another revision",
    ],
    [
      "istio-injection over a revision",
      { "istio-injection": "enabled", "istio.io/rev": "canary" },
      {},
      undefined,
    ],
    [
      "our own name of a revision over Istio's",
      { "heddle.dev/rev": "default", "istio.io/rev": "x" },
      {},
      undefined,
    ],
    ["our own label", { "heddle.dev/injection": "enabled" }, {}, undefined],
    [
      "our own label over Istio's",
      { "heddle.dev/injection": "disabled", "istio-injection": "enabled" },
      {},
      "namespace says no",
    ],
  ] as const)("%s", (_, namespace, labels, wanted) => {
    expect(why(namespace, labels)).toBe(wanted);
  });

  test("beside Istio only what names us", () => {
    expect(why({ "istio-injection": "enabled" }, {}, BESIDE)).toBe("another revision");
    expect(why({}, { "sidecar.istio.io/inject": "true" }, BESIDE)).toBe("another revision");
    expect(why({ "istio.io/rev": "heddle" }, {}, BESIDE)).toBeUndefined();
    expect(why({ "heddle.dev/injection": "enabled" }, {}, BESIDE)).toBeUndefined();
    expect(why({}, { "heddle.dev/inject": "true" }, BESIDE)).toBeUndefined();
  });

  test("an annotation keeps a pod out, and does not bring it in alone; the label goes first", () => {
    const enabled = { "istio-injection": "enabled" };
    const INJECT = "sidecar.istio.io/inject";
    expect(why(enabled, {}, DEFAULT, { [INJECT]: "false" })).toBe("pod says no");
    expect(why({}, {}, DEFAULT, { [INJECT]: "true" })).toBe("nobody asked");
    expect(why(enabled, { [INJECT]: "true" }, DEFAULT, { [INJECT]: "false" })).toBeUndefined();
  });

  test("where somebody asks for these very pods, only what the pod itself says", () => {
    const asked = { ...BESIDE, asked: true };
    expect(why({ "istio-injection": "disabled" }, {}, asked)).toBeUndefined();
    expect(why({}, { "sidecar.istio.io/inject": "false" }, asked)).toBe("pod says no");
  });
});
