import { describe, expect, test } from "vitest";
import { diagnosticRange, objectDocument, objectsInDraft, pathKeys } from "./document.ts";

const draft = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: reviews
spec:
  hosts: [reviews]
  http:
    - route:
        - destination: { host: reviews, subset: v9 }
          weight: 90
`;
const shown = (diagnostic: Partial<Record<"code" | "path" | "reference" | "origin", string>>) => {
  const range = diagnosticRange(
    draft,
    {
      code: "",
      level: "Error",
      message: "",
      origin: "VirtualService default/reviews",
      ...diagnostic,
    },
    "draft.yaml",
  );
  return range && draft.slice(range.from, range.to);
};

describe("diagnostics in a draft", () => {
  test("stand at the value of their path", () => {
    expect(shown({ path: "spec.http[0].route[0].weight" })).toBe("90");
    expect(
      shown({ path: "spec.http[0].route[0].destination.subset", reference: "draft.yaml:9" }),
    ).toBe("v9");
  });

  test("stand at the nearest parent where the path leads further than the document", () => {
    expect(shown({ path: "spec.hosts[3].name" })).toBe("hosts");
  });

  test("mark the key of a longer value, and the first line of a list's item", () => {
    expect(shown({ path: "spec.http[0].route" })).toBe("route");
    expect(shown({ path: "spec.http[0].route[0]" })).toBe(
      "destination: { host: reviews, subset: v9 }",
    );
  });

  test("mark the name of a field that nobody knows", () => {
    expect(shown({ code: "HDL0010", path: "spec.http[0].route[0].weight" })).toBe("weight");
  });

  test("stand at their line where they have no path", () => {
    expect(shown({ reference: "draft.yaml:10" })).toBe("weight: 90");
    expect(shown({ reference: "draft.yaml:999" })).toBe("");
  });

  test("of another object are not in the draft", () => {
    expect(shown({ origin: "Gateway default/other", reference: "stored:3" })).toBeUndefined();
  });

  test("are placed also while the draft is broken", () => {
    expect(
      diagnosticRange(
        "a: [",
        { code: "", level: "Error", message: "", origin: "", reference: "draft.yaml:1" },
        "draft.yaml",
      ),
    ).toEqual({ from: 0, to: 4 });
  });
});

test("paths have names, indexes and quoted keys", () => {
  expect(pathKeys('metadata.labels["app.kubernetes.io/name"]')).toEqual([
    "metadata",
    "labels",
    "app.kubernetes.io/name",
  ]);
  expect(pathKeys("spec.http[10].match")).toEqual(["spec", "http", 10, "match"]);
});

test("an object becomes a document, a flat kind without a spec", () => {
  const text = objectDocument({
    apiVersion: "g/v1",
    kind: "Gateway",
    metadata: { name: "a", namespace: "b", labels: {} },
    spec: { x: 1 },
  });
  expect(text).toBe(
    "apiVersion: g/v1\nkind: Gateway\nmetadata:\n  name: a\n  namespace: b\nspec:\n  x: 1\n",
  );
  expect(
    objectDocument({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "a", namespace: "b" },
      spec: { data: { k: "v" } },
    }),
  ).toContain("\ndata:\n  k: v");
});

test("a draft's objects are known as far as it can be read", () => {
  expect(objectsInDraft(`${draft}---\nkind: [\n`).map(({ name }) => name)).toEqual(["reviews"]);
  expect(objectsInDraft("kind: A\n---\n- 1\n")).toEqual([]);
});
