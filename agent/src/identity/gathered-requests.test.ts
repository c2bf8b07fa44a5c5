import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it, vi } from "vitest";
import { type GatheredRequests, gatherRequests } from "./gathered-requests.ts";

const REFUSED = new Error("refused");

let requests: GatheredRequests<number> | undefined;
afterEach(() => requests?.close());

/** Asks of somebody who is away, or refuses whole requests for one item's sake; what was asked is kept. */
function asking({ isAway = () => false, refused = [] as number[] }) {
  const asked: (readonly number[])[] = [];
  const got = new Set<number>();
  const failed: (readonly number[])[] = [];
  requests = gatherRequests<number>({
    async ask(items) {
      asked.push(items);
      if (isAway()) throw new Error("away");
      if (items.some((each) => refused.includes(each))) throw REFUSED;
      for (const item of items) got.add(item);
    },
    isRefusal: (error) => error === REFUSED,
    failed: (items) => failed.push(items),
  });
  return { ...requests, asked, got, failed };
}

describe("gathered requests", () => {
  it("are one for what is wanted at one time, each item once, and no larger than a plane takes", async () => {
    const { want, asked } = asking({});
    for (let item = 0; item < 1_200; item++) want(item);
    want(7);
    await vi.waitFor(() => expect(asked).toHaveLength(3));
    expect(asked.map(({ length }) => length)).toEqual([500, 500, 200]);
  });

  it("are few while nobody answers, and have all when somebody does again", async () => {
    let away = true;
    const { want, asked, got, failed } = asking({ isAway: () => away });
    for (let item = 0; item < 100; item++) {
      want(item);
      if (item % 10 === 0) await sleep(5);
    }
    await sleep(500);
    // Ten at the start, and some tries of all of them together.
    expect(asked.length).toBeLessThan(20);
    expect(failed.length).toBe(asked.length);
    away = false;
    await vi.waitFor(() => expect(got.size).toBe(100), { timeout: 5_000 });
  });

  it("do not fail for the sake of one that is refused", async () => {
    const { want, got, failed } = asking({ refused: [13, 77] });
    for (let item = 0; item < 100; item++) want(item);
    await vi.waitFor(() => expect(got.size).toBe(98));
    expect(new Set(failed.flat())).toEqual(new Set([13, 77]));
  });
});
