import { describe, expect, test } from "vitest";
import type { RequestValidation } from "../kinds/request-validation.ts";
import { parseObject } from "../parse-object.ts";

function found(spec: RequestValidation | Record<string, unknown>): string[] {
  const { diagnostics } = parseObject({
    apiVersion: "heddle.dev/v1",
    kind: "RequestValidation",
    metadata: { name: "x" },
    spec,
  });
  return diagnostics.map(({ code, path, message }) => `${code} ${path ?? ""} ${message}`);
}

const rule = (rules: object) => ({ rules: [rules] });

test("takes what can be kept", () => {
  expect(
    found({
      targetRefs: [{ group: "gateway.networking.k8s.io", kind: "Gateway", name: "edge" }],
      mode: "REPORT",
      paths: { mergeSlashes: true, escapedSlashes: "REFUSE" },
      limits: { headers: 50, headerBytes: 16384, urlBytes: 2048, bodyBytes: 1 },
      rules: [
        { name: "upload", match: { path: { prefix: "/up" } }, methods: ["PUT"], maxBodyBytes: 9 },
        { contentTypes: ["application/json", "image/*"] },
      ],
      openapi: { document: "openapi: 3.1.0\npaths: {}", timeout: "100ms", onFailure: "ALLOW" },
    }),
  ).toEqual([]);
});

describe("refuses", () => {
  const openapi = (more: object) => ({ openapi: { document: "openapi: 3.1.0", ...more } });
  const wrong: Record<string, [spec: object, says: RegExp]> = {
    "an object that says nothing": [{ limits: {} }, /HDL0023 spec .*says nothing/],
    "a selector beside targets": [
      {
        ...{ selector: { matchLabels: { a: "b" } }, limits: { headers: 1 } },
        targetRefs: [{ kind: "Gateway", group: "gateway.networking.k8s.io", name: "g" }],
      },
      /HDL0022/,
    ],
    "no header at all": [{ limits: { headers: 0 } }, /HDL0060 spec.limits.headers /],
    "more of them than anybody reads": [
      { limits: { headers: 4_000_000_000 } },
      /HDL0060 spec.limits.headers /,
    ],
    "bodies of nothing": [{ limits: { bodyBytes: 0 } }, /HDL0060 spec.limits.bodyBytes /],
    "bodies of nothing by a rule": [
      rule({ maxBodyBytes: 0 }),
      /HDL0060 spec.rules\[0\].maxBodyBytes /,
    ],
    "bodies of nothing for a document": [
      openapi({ maxBodyBytes: 0 }),
      /HDL0060 spec.openapi.maxBodyBytes /,
    ],
    "more headers than a proxy holds": [
      { limits: { headerBytes: 9_000_000 } },
      /HDL0060 spec.limits.headerBytes /,
    ],
    "a rule that says nothing": [rule({}), /HDL0060 spec.rules\[0\] /],
    "two rules of one name": [
      { rules: [1, 2].map(() => ({ name: "a", methods: ["GET"] })) },
      /HDL0060 spec.rules\[1\].name /,
    ],
    "a name that logs cannot tell from the rest": [
      rule({ name: "a b", methods: ["GET"] }),
      /HDL0060 spec.rules\[0\].name /,
    ],
    "no methods": [rule({ methods: [] }), /HDL0060 spec.rules\[0\].methods /],
    "a method in lower case": [rule({ methods: ["get"] }), /HDL0060 spec.rules\[0\].methods\[0\] /],
    "a type with parameters": [
      rule({ contentTypes: ["text/html; charset=utf-8"] }),
      /HDL0060 spec.rules\[0\].contentTypes\[0\] /,
    ],
    "an expression that is none": [
      rule({ match: { path: { regex: "(" } }, methods: ["GET"] }),
      /HDL0021 spec.rules\[0\].match.path.regex /,
    ],
    "larger bodies than an agent reads": [
      openapi({ maxBodyBytes: 2_000_000 }),
      /HDL0060 spec.openapi.maxBodyBytes /,
    ],
    "a long wait": [openapi({ timeout: "10s" }), /HDL0060 spec.openapi.timeout /],
    "a document that is too large": [
      openapi({ document: "#".repeat(600_000) }),
      /HDL0061 spec.openapi.document .*600000 bytes/,
    ],
    "a document that is wrong, with its place": [
      openapi({ document: "openapi: 3.0.0\npaths:\n  /a:\n    get: []" }),
      /HDL0062 spec.openapi.document line 4, paths\["\/a"\].get: /,
    ],
  };
  for (const [what, [spec, says]] of Object.entries(wrong)) {
    test(what, () =>
      expect(found(spec as RequestValidation)).toEqual([expect.stringMatching(says)]),
    );
  }
});
