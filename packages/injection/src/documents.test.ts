/** Files of Kubernetes objects that cannot be read, or have more in them than objects. */
import { expect, test } from "vitest";
import { injectDocuments } from "./documents.ts";
import { defaultOptions } from "./settings.ts";

const inject = (text: string) =>
  injectDocuments(text, {
    file: "pods.yaml",
    namespace: "default",
    mesh: { rootNamespace: "istio-system", clusterDomain: "cluster.local" },
    injection: { ...defaultOptions, asked: true },
  });

const POD = `apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: web, image: "web:1"}]}
`;

test.each([
  ["aliases that multiply", bomb(), "HDL0004"],
  ["nesting without an end", `a: ${"[".repeat(200)}${"]".repeat(200)}`, "HDL0004"],
  ["a key that stands twice", `${POD}kind: Pod\n`, "HDL0003"],
  ["no YAML", "a: [\n", "HDL0002"],
])("%s are refused as the model refuses them, and the text comes back", (_, text, code) => {
  const made = inject(text);
  expect(made).toMatchObject({ text, values: [], workloads: [] });
  expect(made.diagnostics).toEqual([
    expect.objectContaining({
      code,
      level: "Error",
      reference: expect.stringMatching(/^pods\.yaml:\d+$/),
    }),
  ]);
});

test("documents that are comments alone keep their places", () => {
  const made = inject(`# of all\n---\n${POD}---\n# of nothing\n---\nkind:   Other\n`);
  expect(made.diagnostics).toEqual([]);
  expect(made.values).toEqual([expect.objectContaining({ kind: "Pod" }), null, { kind: "Other" }]);
  expect(made.text).toMatch(/^# of all\n/);
  expect(made.text.endsWith("---\n# of nothing\n---\nkind:   Other\n")).toBe(true);
});

test("a pod in a list has the line that it stands on", () => {
  const made = inject(
    `kind: List\nitems:\n- kind: None\n- apiVersion: v1\n  kind: Pod\n  metadata: {name: web, annotations: {sidecar.istio.io/proxyCPU: much}}\n  spec: {containers: []}\n`,
  );
  expect(made.diagnostics.map(({ code, reference }) => [code, reference])).toEqual([
    ["HDL6003", "pods.yaml:4"],
  ]);
});

function bomb(): string {
  const lines = ["a: &a [x, x, x, x, x, x, x, x, x]"];
  for (const [from, to] of ["ab", "bc", "cd", "de", "ef", "fg"].map((pair) => pair.split("")))
    lines.push(`${to}: &${to} [${Array.from({ length: 9 }, () => `*${from}`).join(", ")}]`);
  return `${lines.join("\n")}\n`;
}
