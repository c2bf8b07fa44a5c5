/**
 * Documents that say themselves whether they are valid. `_err` is the cause that a refusal has to name, as Istio or
 * Kubernetes puts it; in documents of our own `_path` and `_says` are where and in which words (a regular
 * expression) we do.
 */
import { expect } from "vitest";
import { parseObject } from "../parse-object.ts";
import { readSource } from "../source.ts";
import { causeOf } from "./causes.ts";

/** A kind that is checked in full and not yet in effect is refused for that too, which is no matter here. */
const PLANNED: ReadonlySet<string> = new Set(["HDL0009", "HDL0016"]);

/** Every document is accepted, or, in a text of invalid ones, refused for the cause that it gives. */
export function checkDocuments(text: string, invalid: boolean): void {
  const { documents, findings } = readSource(text);
  expect(findings).toEqual([]);
  expect(documents.length).toBeGreaterThan(0);
  for (const { value } of documents) {
    const { _err: reason, _path, _says, ...document } = value as Record<string, unknown>;
    expect(typeof reason, "only invalid documents have a cause").toBe(
      invalid ? "string" : "undefined",
    );
    const { name } = document["metadata"] as { name: string };
    const { object, diagnostics } = parseObject(document);
    const errors = diagnostics.filter(({ level, code }) => level === "Error" && !PLANNED.has(code));
    const found = errors.map(({ code, path, message }) => `${code} ${path}: ${message}`);
    if (!invalid) {
      expect(found, name).toEqual([]);
      const planned = diagnostics.some(
        ({ code, level }) => code === "HDL0016" && level === "Error",
      );
      expect(object !== undefined, name).toBe(!planned);
      continue;
    }
    const { path, words } =
      _path === undefined
        ? causeOf(reason as string)
        : { path: exactly(_path as string), words: [new RegExp(_says as string)] };
    const named = errors.some(
      (error) =>
        (path === undefined || path.test(error.path ?? "")) &&
        words.every((word) => word.test(error.message)),
    );
    expect(
      named,
      `${document["kind"] as string} ${name}: ${reason as string}\n${found.join("\n")}`,
    ).toBe(true);
    // An unknown field would refuse for a reason of our own, and so would a second error.
    expect(errors.map(({ code }) => code)).not.toContain("HDL0010");
    expect(object).toBeUndefined();
  }
}

function exactly(path: string): RegExp {
  return new RegExp(`^${path.replaceAll(/[.[\]"*$^()|?+\\]/g, "\\$&")}$`);
}
