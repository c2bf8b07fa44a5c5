/** The suite accounts for every field of every kind, and its claims are read as they are written. */
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { checkedClaims } from "./claim.ts";
import { coverageOf } from "./coverage.ts";
import { fieldsOf } from "./fields.ts";
import { provenKind, provenKinds } from "./kinds.ts";
import { pageOf, sinceIn } from "./page.ts";

describe("rows", () => {
  test("are the leaves of a schema: items, values of maps, values of enumerations", () => {
    const schema = z.strictObject({
      hosts: z.exactOptional(z.array(z.string())),
      mode: z.exactOptional(z.enum(["A", "B"])),
      labels: z.exactOptional(z.record(z.string(), z.string())),
      rules: z.exactOptional(z.array(z.strictObject({ port: z.number() }))),
      ports: z.exactOptional(z.record(z.string(), z.strictObject({ on: z.boolean() }))),
    });
    expect(fieldsOf(schema)).toEqual([
      "hosts",
      "mode=A",
      "mode=B",
      "labels",
      "rules[].port",
      "ports{}.on",
    ]);
  });

  test("spell a large shape out once, and a small one everywhere", () => {
    const fields = (count: number) =>
      z.strictObject(
        Object.fromEntries(Array.from({ length: count }, (_, i) => [`f${i}`, z.string()])),
      );
    const [small, large] = [fields(1), fields(9)];
    expect(fieldsOf(z.strictObject({ a: small, b: small }))).toEqual(["a.f0", "b.f0"]);
    expect(fieldsOf(z.strictObject({ a: large, b: large })).filter((f) => f[0] === "b")).toEqual([
      "b",
    ]);
  });

  test("may be claimed several at once", () => {
    const claims = checkedClaims({ VirtualService: ["http[].match[].uri.{exact,prefix}"] });
    expect(claims).toEqual({
      VirtualService: ["http[].match[].uri.exact", "http[].match[].uri.prefix"],
    });
  });

  test.each([
    ["Virtualservice", "hosts", "is no kind with rows"],
    ["VirtualService", "http[].match[].url", "has no field"],
    ["VirtualService", "http[].timeouts", "has no field"],
    ["PeerAuthentication", "mtls.mode", "below it are mtls.mode=UNSET"],
  ])("cannot be claimed of %s %s", (kind, field, message) => {
    expect(() => checkedClaims({ [kind]: [field] })).toThrow(message);
  });

  test("are missed where a field has none, and where a list of unproven fields is stale", () => {
    const [first = ""] = provenKind("VirtualService").fields;
    const everything = Object.fromEntries(
      provenKinds.map(({ name, fields }) => [name, new Set(fields)]),
    );
    const row = {
      kind: "VirtualService",
      field: first,
      state: "works" as const,
      title: "t",
      file: "f",
    };
    const but = { ...everything, VirtualService: new Set(["gone"]) };
    const { problems } = coverageOf([row], but);
    expect(problems).not.toContain(`VirtualService ${first} has no test that proves it.`);
    expect(problems).toContain("VirtualService http[].timeout has no test that proves it.");
    expect(problems).toContain(
      "VirtualService has no field gone: take it off unproven/virtual-service.txt.",
    );
    expect(coverageOf([row], everything).problems).toContain(
      `VirtualService ${first} is proven: take it off unproven/virtual-service.txt.`,
    );
  });

  test("keep the version that they are known to work since", () => {
    const kind = provenKind("VirtualService");
    const row = {
      kind: kind.name,
      field: "hosts",
      state: "works" as const,
      title: "a [b] | c",
      file: "f",
    };
    const covered = {
      kind,
      fields: [{ field: "hosts", state: "works" as const, rows: [row], partly: [] }],
    };
    const page = pageOf(covered, "", "1.0.0");
    expect(sinceIn(page).get("hosts")).toBe("1.0.0");
    expect(pageOf(covered, page, "2.0.0")).toBe(page);
  });
});
