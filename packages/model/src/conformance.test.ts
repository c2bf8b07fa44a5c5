/** Istio's own documents, which say themselves whether they are valid. */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readSource } from "./source.ts";
import { parseObject } from "./parse-object.ts";
import type { VirtualService } from "./kinds/virtual-service.ts";

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
        (kind === "VirtualService" && spec.http !== undefined);
      if (!ours) continue;
      const { object, diagnostics } = parseObject(value);
      expect(diagnostics).toEqual([]);
      expect(object).toBeDefined();
      checked++;
    }
    // One file has nothing but a ServiceEntry and a rule for TLS, another rules for TCP.
    expect(checked).toBeGreaterThanOrEqual(/egress|mysql/.test(name) ? 0 : 1);
  });

  test.each(["destinationrule", "peerauth"])("accepts and refuses as %s documents say", (name) => {
    const valid = readFileSync(join(folder, "istio-validation", `${name}-valid.yaml`), "utf8");
    for (const { value } of readSource(valid).documents) {
      const { object, diagnostics } = parseObject(value);
      expect(diagnostics.filter(({ level }) => level === "Error")).toEqual([]);
      expect(object).toBeDefined();
    }

    const invalid = readFileSync(join(folder, "istio-validation", `${name}-invalid.yaml`), "utf8");
    const { documents } = readSource(invalid);
    expect(documents.length).toBeGreaterThan(0);
    for (const { value } of documents) {
      const { _err: reason, ...document } = value as Record<string, unknown>;
      const { object, diagnostics } = parseObject(document);
      const errors = diagnostics.filter(({ level }) => level === "Error");
      expect(errors.length, String(reason)).toBeGreaterThan(0);
      // An unknown field would refuse for a reason of our own.
      expect(errors.map(({ code }) => code)).not.toContain("HDL0010");
      expect(object).toBeUndefined();
    }
  });
});
