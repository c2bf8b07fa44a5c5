/** Every field that no running proxy follows is told of, where it stands and with why: one test for each row of the table. */
import { parseObject, type PlannedField, plannedFields } from "@heddle/model";
import { describe, expect, test } from "vitest";
import { refuses, warns } from "../proves.ts";
import { plannedRows, type ProvenKind, provenKinds } from "../rows/kinds.ts";
import { sampleOf, samples } from "./samples.ts";

describe("a field that is not in effect", () => {
  for (const planned of plannedFields) {
    const { kind, path, level, because = "planned" } = planned;
    const told = level === "Error" ? refuses : warns;
    const of = provenKinds.find((each) => rowsOf(each, planned).length > 0);
    const title = `is told of: ${kind} ${path}: ${level}, ${because}: HDL0016`;
    const shows = () => {
      const { value, apiVersion, at } = sampleOf(planned);
      const found = parseObject({
        apiVersion,
        kind,
        metadata: { name: "one", namespace: "default" },
        spec: value,
      });
      const about = found.diagnostics.map((each) => `${each.code} ${each.level} ${each.path}`);
      expect(about).toContain(`HDL0016 ${level} ${at}`);
      // Nothing else is wrong with it, so that it is this field that is told of.
      expect(found.diagnostics.filter(({ code }) => code !== "HDL0016")).toEqual([]);
      expect(found.object === undefined).toBe(found.diagnostics.some((d) => d.level === "Error"));
    };
    // What takes effect where a proxy starts has a test of its own, with a proxy that starts, or its pod.
    if (!of || because === "at start" || because === "injected") test(title, shows);
    else told(of.name, rowsOf(of, planned), title, shows);
  }

  test("is in the samples, and nothing else is", () => {
    const wanted = plannedFields.map(({ kind, path }) => `${kind} ${path}`);
    expect(Object.keys(samples).toSorted()).toEqual([...new Set(wanted)].toSorted());
  });
});

function rowsOf(kind: ProvenKind, planned: PlannedField): readonly string[] {
  return kind.fields.filter((field) =>
    plannedRows(kind, field).some((row) => row.planned === planned),
  );
}
