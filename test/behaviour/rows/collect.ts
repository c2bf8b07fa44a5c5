/** Reads what tests say of themselves, the rows and the attacks that they are for, by loading the test files without running a test. */
import path from "node:path";
import type { TaskMeta } from "vitest";
import { createVitest } from "vitest/node";
import type { Attack } from "../../security/attack.ts";
import "./claim.ts";

export interface Row {
  readonly kind: string;
  readonly field: string;
  /** What its test shows. */
  readonly state: "works" | "refused" | "warned";
  readonly title: string;
  /** Below the root of the checkout. */
  readonly file: string;
}

/** An entry of test/security; of files that declare none, each test, which says no more than its title. */
export interface AttackRow extends Partial<Attack> {
  readonly title: string;
  /** Below the root of the checkout. */
  readonly file: string;
}

export interface Collected {
  readonly rows: readonly Row[];
  readonly attacks: readonly AttackRow[];
}

export const root = path.resolve(import.meta.dirname, "../../..");

/** Sorted by file and place in it. Throws where a file does not load. */
export async function collectTests(): Promise<Collected> {
  const vitest = await createVitest("test", {
    root,
    // Not what `npm test` has, whose projects would be asked in place of these files.
    config: false,
    pool: "forks",
    isolate: false,
    maxWorkers: 2,
    watch: false,
    reporters: [],
    include: ["test/behaviour/**/*.test.ts", "test/security/**/*.test.ts"],
  });
  try {
    const { testModules, unhandledErrors } = await vitest.collect([], { staticParse: false });
    const errors = [...unhandledErrors, ...testModules.flatMap((module) => module.errors())];
    if (errors.length > 0)
      throw new Error(errors.map((error) => (error as Error).message).join("\n"));
    const tests = testModules
      .toSorted((a, b) => (a.relativeModuleId < b.relativeModuleId ? -1 : 1))
      .flatMap((module) =>
        [...module.children.allTests()].map((test) => ({
          meta: test.meta(),
          title: test.fullName.replaceAll(" > ", ": "),
          file: module.relativeModuleId,
        })),
      );
    const declaring = new Set(tests.flatMap(({ meta, file }) => (meta.attack ? [file] : [])));
    return {
      rows: tests.flatMap(({ meta, title, file }) =>
        claimsOf(meta).map((claim) => ({ ...claim, title, file })),
      ),
      attacks: tests
        .filter(
          ({ meta, file }) =>
            file.startsWith("test/security/") && (meta.attack || !declaring.has(file)),
        )
        .map(({ meta, title, file }) => ({ ...meta.attack, title, file })),
    };
  } finally {
    await vitest.close();
  }
}

function claimsOf({
  proves = {},
  refuses = {},
  warns = {},
}: TaskMeta): Pick<Row, "kind" | "field" | "state">[] {
  return (
    [
      ["works", proves],
      ["refused", refuses],
      ["warned", warns],
    ] as const
  ).flatMap(([state, claims]) =>
    Object.entries(claims).flatMap(([kind, fields]) =>
      fields.map((field) => ({ kind, field, state })),
    ),
  );
}
