import { expect, test } from "vitest";
import { lineHealth } from "./line-health.ts";

const health = (status: number, flags = "-", method = "GET") =>
  lineHealth({ status, flags, method });

test("5xx and requests without an answer failed", () => {
  expect(health(503, "UF")).toBe("bad");
  expect(health(500)).toBe("bad");
  expect(health(0, "UC")).toBe("bad");
  expect(health(0, "UF", "")).toBe("bad");
});

test("4xx, a client that went away and an odd flag are worth a look", () => {
  expect(health(404, "NR")).toBe("warn");
  expect(health(0, "DC")).toBe("warn");
  expect(health(200, "DI")).toBe("warn");
});

test("an answer, or a TCP connection without flags, is fine", () => {
  expect(health(200)).toBe("ok");
  expect(health(0, "-", "")).toBe("ok");
});
