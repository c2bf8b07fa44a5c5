import { expect, test } from "vitest";
import { walk } from "./walk.ts";

const at = (x: number, y: number) => ({ x, y, width: 10, height: 10 });
const nodes = new Map([
  ["web", at(0, 50)],
  ["cart", at(100, 0)],
  ["pay", at(100, 60)],
  ["bank", at(200, 60)],
  ["lone", at(0, 200)],
]);
const edges = [
  { source: "web", target: "cart" },
  { source: "web", target: "pay" },
  { source: "pay", target: "bank" },
  { source: "pay", target: "pay" },
];

test("right follows a call to the end at the nearest height, left goes back", () => {
  expect(walk("web", "right", nodes, edges)).toBe("pay");
  expect(walk("pay", "right", nodes, edges)).toBe("bank");
  expect(walk("bank", "left", nodes, edges)).toBe("pay");
});

test("up and down go to the neighbour, whatever calls there are", () => {
  expect(walk("pay", "up", nodes, edges)).toBe("cart");
  expect(walk("web", "down", nodes, edges)).toBe("lone");
  expect(walk("cart", "up", nodes, edges)).toBeUndefined();
});

test("without a call, an arrow goes to what lies in that direction, so that every node is reached", () => {
  expect(walk("lone", "right", nodes, edges)).toBe("pay");
  expect(walk("bank", "right", nodes, edges)).toBeUndefined();
  expect(walk("gone", "right", nodes, edges)).toBeUndefined();
});
