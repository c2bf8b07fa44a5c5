import { expect, test } from "vitest";
import { admit, type AdmissionSettings } from "./admission.ts";
import { difference, type PatchOperation } from "./json-patch.ts";
import { inject } from "./inject.ts";
import { defaultOptions } from "./settings.ts";

const MESH = { rootNamespace: "istio-system", clusterDomain: "cluster.local" };
const SETTINGS: AdmissionSettings = {
  namespace: (name) => ({ name, labels: name === "shop" ? { "istio-injection": "enabled" } : {} }),
  mesh: MESH,
  options: defaultOptions,
};

function review(namespace: string, annotations: Record<string, string> = {}) {
  const object = {
    metadata: { generateName: "ü-web-", annotations },
    spec: {
      containers: [{ name: "web", readinessProbe: { httpGet: { path: "/", port: 80 } } }],
      volumes: [{ name: "data", emptyDir: {} }],
    },
  };
  return {
    apiVersion: "admission.k8s.io/v1",
    kind: "AdmissionReview",
    request: { uid: "u-1", namespace, kind: { group: "", version: "v1", kind: "Pod" }, object },
  };
}

interface Answer {
  readonly response: {
    readonly uid: string;
    readonly allowed: boolean;
    readonly patch?: string;
    readonly patchType?: string;
    readonly warnings?: readonly string[];
    readonly status?: { readonly message: string };
  };
}

function answered(value: unknown): Answer["response"] {
  const admitted = admit(value, SETTINGS);
  if (admitted === undefined) throw new Error("no review");
  return (admitted.review as Answer).response;
}

test("a pod is answered with the patch that makes the injected one of it", () => {
  const asked = review("shop", { "sidecar.istio.io/agentLogLevel": "debug" });
  const response = answered(asked);
  expect(response).toMatchObject({ uid: "u-1", allowed: true, patchType: "JSONPatch" });
  expect(response.warnings).toEqual([expect.stringContaining("HDL6002")]);
  const patch = JSON.parse(
    Buffer.from(response.patch ?? "", "base64").toString("utf8"),
  ) as PatchOperation[];
  const made = inject(
    {
      pod: asked.request.object,
      namespace: { name: "shop", labels: { "istio-injection": "enabled" } },
      mesh: MESH,
    },
    defaultOptions,
  );
  expect(made.injected && patched(asked.request.object, patch)).toEqual(
    made.injected && JSON.parse(JSON.stringify(made.pod)),
  );
});

test("a pod that asks for what cannot be is refused, with what to do", () => {
  const response = answered(review("shop", { "sidecar.istio.io/proxyCPU": "much" }));
  expect(response.allowed).toBe(false);
  expect(response.status?.message).toMatch(/HDL6003 .*proxyCPU.* Give a quantity/);
});

test("whoever is not meant is let through as it is", () => {
  expect(admit(review("elsewhere"), SETTINGS)).toMatchObject({
    because: "nobody asked",
    review: { response: { uid: "u-1", allowed: true } },
  });
  const other = { kind: "AdmissionReview", request: { uid: "u-2", kind: { kind: "Service" } } };
  expect(answered(other)).toEqual({
    uid: "u-2",
    allowed: true,
  });
  for (const none of [
    undefined,
    "text",
    {},
    { kind: "AdmissionReview" },
    { kind: "Pod", request: {} },
  ])
    expect(admit(none, SETTINGS)).toBeUndefined();
});

test.each([
  [{ a: 1 }, { a: 1 }],
  [{ a: [1, 2, 3] }, { a: [0, 1, 2, 3] }],
  [{ a: [1, 2, 3] }, { a: [3] }],
  [{ a: [{ n: "x" }, { n: "y" }] }, { a: [{ n: "z", m: 1 }, { n: "x", p: [1] }, { n: "y" }] }],
  [
    { "a/b~c": 1, d: null },
    { "a/b~c": 2, e: {} },
  ],
  [{ a: [1, 2, 3, 4] }, { a: [1, 9, 4] }],
  [{ a: [] }, { a: [1, 2] }],
])("the difference of %j and %j makes the one of the other", (before, after) => {
  expect(patched(before, difference(before, after))).toEqual(after);
});

/** RFC 6902, as far as differences use it. */
function patched(value: unknown, operations: readonly PatchOperation[]): unknown {
  const copy = structuredClone(value) as Record<string, unknown>;
  for (const { op, path, value: given } of operations) {
    const steps = path
      .slice(1)
      .split("/")
      .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
    const last = steps.pop() ?? "";
    const parent = steps.reduce<unknown>(
      (inner, step) => (inner as Record<string, unknown>)[step],
      copy,
    );
    if (Array.isArray(parent)) {
      const at = Number(last);
      if (at > parent.length || (op !== "add" && at >= parent.length)) throw new Error(path);
      parent.splice(at, op === "add" ? 0 : 1, ...(op === "remove" ? [] : [given]));
    } else if (op === "remove") delete (parent as Record<string, unknown>)[last];
    else (parent as Record<string, unknown>)[last] = given;
  }
  return copy;
}
