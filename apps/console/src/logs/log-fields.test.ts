import { expect, test } from "vitest";
import { parseQuery } from "../filter/query.ts";
import { logFields, serverFilter } from "./log-fields.ts";

const asked = (text: string) => serverFilter(parseQuery(text, logFields), undefined);

test("hands on what the plane understands in the same way", () => {
  expect(asked("status = 503 trace = abc path ~ /api")).toEqual({
    status: "503",
    traceId: "abc",
    q: "/api",
  });
  expect(asked("status >= 500")).toEqual({ status: "5xx" });
  expect(asked("flag = UF")).toEqual({ flags: "UF" });
});

test("keeps to itself what the plane would narrow too far", () => {
  expect(asked("flag ~ U status > 400 took > 1s ratings !x")).toEqual({});
  expect(asked("status != 200 path != /a")).toEqual({});
});

test("of two terms for one parameter the first is handed on; both are filtered here", () => {
  expect(asked("path ~ /a path ~ /b")).toEqual({ q: "/a" });
});

test("the service goes along", () => {
  expect(serverFilter(parseQuery("", logFields), "reviews.default")).toEqual({
    service: "reviews.default",
  });
});
