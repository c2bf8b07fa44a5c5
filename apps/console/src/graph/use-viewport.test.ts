import { expect, test } from "vitest";
import { fitted, zoomed } from "./use-viewport.ts";

test("the whole drawing fits into the frame, centred, never larger than life", () => {
  const view = fitted({ width: 1048, height: 548 }, { width: 2000, height: 500 });
  expect(view).toEqual({ scale: 0.5, x: 24, y: 149 });
  expect(fitted({ width: 1000, height: 600 }, { width: 100, height: 100 }).scale).toBe(1);
});

test("zooming keeps the point under the pointer and stays within bounds", () => {
  const view = { x: 10, y: 20, scale: 1 };
  const at = { x: 110, y: 70 };
  const nearer = zoomed(view, 2, at);
  expect((at.x - nearer.x) / nearer.scale).toBe((at.x - view.x) / view.scale);
  expect(zoomed(view, 100, at).scale).toBe(2);
  expect(zoomed(view, 0.001, at).scale).toBe(0.15);
});
