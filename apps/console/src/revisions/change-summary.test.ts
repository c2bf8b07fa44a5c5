import { expect, test } from "vitest";
import { changeSummary, objectName } from "./change-summary.ts";

const key = (name: string) => `networking.istio.io/VirtualService/default/${name}`;

test("one change is named, several are counted, unchanged ones are not", () => {
  expect(
    changeSummary([
      { key: key("reviews"), action: "configured" },
      { key: key("x"), action: "unchanged" },
    ]),
  ).toBe("VirtualService default/reviews changed");
  expect(
    changeSummary([
      { key: key("a"), action: "created" },
      { key: key("b"), action: "created" },
      { key: key("c"), action: "deleted" },
    ]),
  ).toBe("2 objects created, 1 object deleted");
  expect(changeSummary([])).toBe("no change");
});

test("an object without namespace is named without one", () => {
  expect(objectName("core/Namespace/-/shop")).toBe("Namespace shop");
});
