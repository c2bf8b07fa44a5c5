import { describe, expect, test } from "vitest";
import { subnetOf } from "./subnet.ts";

describe("a subnet in Envoy's form", () => {
  test.each([
    ["10.1.2.3", "10.1.2.3", 32],
    ["10.1.2.3/8", "10.0.0.0", 8],
    ["0.0.0.0/0", "0.0.0.0", 0],
    ["fd00::1", "fd00:0:0:0:0:0:0:1", 128],
    ["fd00:1:2:3:4:5:6:7/48", "fd00:1:2:0:0:0:0:0", 48],
    ["::/0", "0:0:0:0:0:0:0:0", 0],
    ["::ffff:10.1.2.3/120", "0:0:0:0:0:ffff:a01:200", 120],
  ])("of %s is %s/%d", (text, addressPrefix, prefixLen) => {
    expect(subnetOf(text)).toEqual({ addressPrefix, prefixLen });
  });
});
