/** Istio's own documents, which say themselves whether they are valid. */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { VirtualService } from "./kinds/virtual-service.ts";
import { parseObject } from "./parse-object.ts";
import { readSource } from "./source.ts";
import { checkDocuments } from "./testing/documents.ts";

const folder =
  process.env["HEDDLE_CONFORMANCE"] ?? join(import.meta.dirname, "../../../../shared/conformance");
const there = existsSync(folder);
if (!there) console.warn(`skipped: Istio's conformance data is not at ${folder}`);

describe.skipIf(!there)("Istio's documents", () => {
  const files = there ? readdirSync(join(folder, "must-accept")) : [];

  test.each(files)("accepts the HTTP rules, destination rules and gateways of %s", (name) => {
    const text = readFileSync(join(folder, "must-accept", name), "utf8");
    const { documents, findings } = readSource(text);
    expect(findings).toEqual([]);
    let checked = 0;
    for (const { value } of documents) {
      const { kind, spec } = value as { kind: string; spec: VirtualService };
      const ours =
        kind === "DestinationRule" ||
        kind === "Gateway" ||
        kind === "ServiceEntry" ||
        (kind === "VirtualService" && spec.http !== undefined);
      if (!ours) continue;
      const { object, diagnostics } = parseObject(value);
      expect(diagnostics).toEqual([]);
      expect(object).toBeDefined();
      checked++;
    }
    // One file has nothing but rules for TCP.
    expect(checked).toBeGreaterThanOrEqual(/mysql/.test(name) ? 0 : 1);
  });

  const names = there
    ? readdirSync(join(folder, "istio-validation")).filter((name) => name.endsWith(".yaml"))
    : [];

  test("there are documents of every kind, and no file is passed over", () => {
    expect(names.length).toBeGreaterThanOrEqual(22);
    expect(names.filter((name) => !/-(?:in)?valid\.yaml$/.test(name))).toEqual([]);
  });

  test.each(names)("accepts and refuses as %s says, for the same cause", (name) => {
    const text = readFileSync(join(folder, "istio-validation", name), "utf8");
    checkDocuments(text, name.endsWith("-invalid.yaml"));
  });
});

describe("documents of our own, for kinds that Istio's lack", () => {
  const own = join(import.meta.dirname, "../testdata/validation");

  test.each(readdirSync(own))("accepts and refuses as %s says, where it says", (name) => {
    checkDocuments(readFileSync(join(own, name), "utf8"), name.endsWith("-invalid.yaml"));
  });
});
