import { afterEach, expect, test } from "vitest";
import { type Checker, createChecker } from "./checker.ts";

const warned: string[] = [];
let checker: Checker | undefined;

afterEach(async () => {
  await checker?.close();
  warned.length = 0;
});

/** A pattern that tries a number of ways that grows with the value as a power of two. */
const SLOW = `
openapi: 3.1.0
paths:
  /slow: {get: {parameters: [{name: a, in: query, schema: {type: string, pattern: "^(a+)+$"}}]}}
  /: {get: {}}`;

function asking(options: { checkMs?: number } = {}) {
  const made = createChecker({ log: { warn: (message) => void warned.push(message) }, ...options });
  checker = made;
  return (path: string, document = SLOW, gone = false) =>
    made.check({
      ...{ name: "default/slow", document, gone: () => gone },
      request: { method: "GET", path, headers: {}, body: new Uint8Array(), partial: false },
    });
}

test("a request that takes long fails alone: it holds up nothing of the agent, and those behind it are checked", async () => {
  const ask = asking({ checkMs: 300 });
  expect(await ask("/")).toBeUndefined();
  let turns = 0;
  const turning = setInterval(() => turns++, 10);
  const slow = ask(`/slow?a=${"a".repeat(40)}b`);
  const behind = ask("/other");
  await expect(slow).rejects.toThrow("more than 300 ms");
  expect(turns).toBeGreaterThan(5);
  clearInterval(turning);
  expect(await behind).toMatchObject({ status: 404 });
  expect(warned).toEqual([expect.stringContaining("HDL7311")]);
});

test("a document that cannot be used fails its requests, is told of once, and is replaced by the next", async () => {
  const ask = asking();
  for (let i = 0; i < 2; i++) await expect(ask("/", "openapi: 2")).rejects.toThrow("version 2");
  expect(warned).toEqual([expect.stringContaining("HDL7310")]);
  expect(await ask("/")).toBeUndefined();
});

test("nothing is checked for whom nobody waits any more", async () => {
  await expect(asking()("/", SLOW, true)).rejects.toThrow("waits no longer");
});

test("a document is read when it comes, before any request does", async () => {
  const ask = asking();
  checker!.prepare("default/slow", "openapi: 2");
  await expect
    .poll(() => warned, { timeout: 20_000 })
    .toEqual([expect.stringContaining("HDL7310")]);
  expect(await ask("/")).toBeUndefined();
});
