import { parseNode } from "@heddle/translate";
import { expect, test } from "vitest";
import { createWorkingSets } from "./working-sets.ts";

const DAY = 24 * 3_600_000;
const POD = parseNode({ id: "sidecar~10.0.0.1~web-1.shop~shop.svc.cluster.local" });
const OTHER = parseNode({ id: "sidecar~10.0.0.2~cart-1.shop~shop.svc.cluster.local" });

function disk(text?: string) {
  const files = new Map(text === undefined ? [] : [["working-sets.json", text]]);
  return {
    read: async (name: string) => files.get(name),
    write: async (name: string, written: string) => void files.set(name, written),
  };
}

const started = (directory: ReturnType<typeof disk>, now = () => 0) =>
  createWorkingSets({
    directory,
    now,
    workloadOf: ({ pod, namespace }) => `${namespace}/${pod.split("-")[0]}`,
    failed: (error) => expect.unreachable(String(error)),
  });

test("what one pod asked for is its workload's, also after a restart, until it is old", async () => {
  const directory = disk();
  let today = 0;
  const sets = await started(directory, () => today);
  sets.asked(POD, "80/reviews");
  today = 5 * DAY;
  sets.asked(POD, "80/ratings");
  expect(sets.of(POD)).toEqual(["80/reviews", "80/ratings"]);
  expect(sets.of(OTHER)).toEqual([]);
  await sets.settled();
  const again = await started(directory, () => today);
  expect(again.of(POD)).toEqual(["80/reviews", "80/ratings"]);
  today = 8 * DAY;
  expect(again.of(POD)).toEqual(["80/ratings"]);
});

test("what was asked for longest ago makes room", async () => {
  const sets = await started(disk());
  for (let i = 0; i <= 300; i++) sets.asked(POD, `80/${i}`);
  sets.asked(POD, "80/1");
  const names = sets.of(POD);
  expect(names).toHaveLength(300);
  expect(names).not.toContain("80/0");
  expect(names.at(-1)).toBe("80/1");
});

test("a file that holds nothing of the kind is as good as none", async () => {
  for (const text of ["", "{", "[]", '{"shop/web":{"80/a":"x"}}']) {
    const sets = await started(disk(text));
    expect(sets.of(POD)).toEqual([]);
  }
});
