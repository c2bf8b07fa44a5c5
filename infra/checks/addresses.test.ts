/** Files of tests run side by side, and what two of them listen on would meet: each has blocks of loopback addresses of its own. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";

const root = path.resolve(import.meta.dirname, "../..");
/** Where `npm test` has its tests; other suites run one file after the other. */
const ROOMS = [
  "packages",
  "apps",
  "agent",
  "infra",
  "test/behaviour",
  "test/oracle",
  "test/fuzz",
  "test/security",
];
const NOT_SOURCE = /^(?:node_modules|dist|gen|testdata|\..+)$/;
/** 0 is for ports that the kernel gives, 20 to 60 belong to demos. */
const LOWEST = 61;

it("gives each file of tests blocks 127.N of its own", () => {
  const files = new Map<number, Set<string>>();
  for (const room of ROOMS)
    for (const file of testsIn(path.join(root, room)))
      for (const [, block] of readFileSync(file, "utf8").matchAll(/\b127\.(\d{2,3})\.[\d$]/g)) {
        const known = files.get(Number(block)) ?? new Set();
        files.set(Number(block), known.add(path.relative(root, file)));
      }
  const blocks = [...files].filter(([block]) => block >= LOWEST);
  const free = Array.from({ length: 254 - LOWEST }, (_, index) => index + LOWEST).filter(
    (block) => !files.has(block),
  );
  const shared = blocks.filter(([, users]) => users.size > 1);
  expect(
    shared.map(([block, users]) => `127.${block}: ${[...users].join(", ")}; free: ${free[0]}`),
  ).toEqual([]);
  // Else nothing was looked at.
  expect(blocks.length).toBeGreaterThan(50);
});

function testsIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) return NOT_SOURCE.test(entry.name) ? [] : testsIn(file);
    return /\.test\.tsx?$/.test(entry.name) && !/\.cluster\.test\./.test(entry.name) ? [file] : [];
  });
}
