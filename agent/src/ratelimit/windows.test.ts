import fc from "fast-check";
import { expect, test } from "vitest";
import { createWindows } from "./windows.ts";

const QUOTA = { requests: 10, seconds: 1 };

test("lets a window's requests through, says how many are left, and refuses the rest", () => {
  const windows = createWindows();
  const verdicts = Array.from({ length: 12 }, (_, i) => windows.take("a", QUOTA, 1, i));
  expect(verdicts.map(({ allowed }) => allowed)).toEqual([...Array(10).fill(true), false, false]);
  expect(verdicts[0]).toEqual({ allowed: true, remaining: 9, resetIn: 1000 });
  expect(verdicts[11]).toEqual({ allowed: false, remaining: 0, resetIn: 989 });
  expect(windows.take("b", QUOTA, 1, 12).allowed).toBe(true);
});

test("under steady load exactly one quota passes in each window", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 50 }),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 0, max: 10_000 }),
      (requests, seconds, start) => {
        const windows = createWindows();
        let passed = 0;
        const every = (seconds * 1000) / (requests * 3);
        for (let now = start; now < start + seconds * 20_000; now += every) {
          if (windows.take("k", { requests, seconds }, 1, now).allowed) passed++;
        }
        expect(passed).toBe(requests * 20);
      },
    ),
  );
});

test("goes on where another's count stood, and keeps to its window", () => {
  const [owner, other] = [createWindows(), createWindows()];
  // Clocks of two agents have nothing to do with each other.
  const ahead = 5000;
  for (let i = 0; i < 7; i++) owner.take("a", QUOTA, 1, 100 * i);
  other.continueFrom("a", QUOTA, owner.take("a", QUOTA, 1, 700), ahead + 700);
  expect(other.take("a", QUOTA, 1, ahead + 800)).toEqual({
    allowed: true,
    remaining: 1,
    resetIn: 200,
  });
  expect(other.take("a", QUOTA, 1, ahead + 900).allowed).toBe(true);
  expect(other.take("a", QUOTA, 1, ahead + 999).allowed).toBe(false);
  expect(other.take("a", QUOTA, 1, ahead + 1000)).toMatchObject({ allowed: true, remaining: 9 });
});

test("forgets ended windows, then the oldest, when there are too many keys", () => {
  const windows = createWindows(3);
  windows.take("a", QUOTA, 10, 0);
  windows.take("b", QUOTA, 10, 900);
  windows.take("c", QUOTA, 10, 900);
  windows.take("d", QUOTA, 1, 1000);
  expect(windows.size).toBe(3);
  expect(windows.take("b", QUOTA, 1, 1001).allowed).toBe(false);
});
