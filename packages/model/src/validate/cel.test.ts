import { describe, expect, test } from "vitest";
import { celError } from "./cel.ts";

/** Milliseconds that this thread has worked, to which a busy machine does not add. */
const threadTime = () => process.threadCpuUsage().user / 1000;

describe("CEL", () => {
  test.each([
    "response.code >= 400",
    "connection.mtls && request.url_path.contains('v1beta3')",
    "has(response.code) && response.code >= 500 || response.flags != 0",
    "!has(request.headers.x) && 'x-a' in request.headers",
    'request.headers["user-agent"].startsWith("curl")',
    "a ? b : c ? d : e",
    "[1, 2u, 0x1F, 1.5, 1e3, .5, -3,].exists(x, x in [1,])",
    "{'a': 1, \"b\": [true, false, null]}['a'] == 1",
    "request.time > timestamp('2020-01-01T00:00:00Z') // and more",
    "r'\\d+' == b\"\\x41\" + '''a'b''' ",
    "xds.node.metadata['namespace'] == 'a' && filter_state.namespace == 'x'",
    "type.googleapis.Any{value: 1, other: 'x'}.value",
    "size([1,2].map(x, x > 1, x * 2)) == 1",
    "!!true",
    "--1 - -2",
  ])("takes %s", (text) => {
    expect(celError(text)).toBeUndefined();
  });

  test.each([
    ["", "unexpected the end"],
    ["response.code >=", "unexpected the end"],
    ["response.code = 400", 'unexpected "="'],
    ["(a", "unexpected the end"],
    ["a b", "unexpected b"],
    ["'abc", 'unexpected "\'"'],
    ["'\\z'", 'unexpected "\'"'],
    ["a.1", "unexpected .1"],
    ["f(a,)", "unexpected )"],
    ["namespace == 1", "reserved"],
    ["has(a)", "has() takes a field"],
    ["has(request.headers['x-a'])", "has() takes a field"],
    ["[1].all(x.y, true)", "all() takes a name"],
    ["a && ", "unexpected the end"],
    ["a # b", 'unexpected "#"'],
    ["1 ? 2", "unexpected the end"],
    ["(".repeat(1000), "nested too deeply"],
    ["a".repeat(100_001), "characters"],
  ])("refuses %s", (text, why) => {
    expect(celError(text)).toContain(why);
  });

  test("takes little time for odd texts", () => {
    const began = threadTime();
    for (const text of [
      "-".repeat(90_000),
      '"\\'.repeat(40_000),
      "'".repeat(90_001),
      "//".repeat(50_000),
    ]) {
      celError(text);
    }
    expect(threadTime() - began).toBeLessThan(1000);
  });
});
