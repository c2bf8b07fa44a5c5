import type { RedactionDetector } from "@heddle/model";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { detectors } from "./detectors.ts";
import { joined } from "./range.ts";
import { MAX_REGEX_TEXT, regexFinder } from "./regex.ts";

/** What is found, with the text around it. */
function marked(name: RedactionDetector, text: string): string {
  let result = "";
  let at = 0;
  for (const { start, end } of joined([...detectors[name].find(text)])) {
    result += `${text.slice(at, start)}«${text.slice(start, end)}»`;
    at = end;
  }
  return result + text.slice(at);
}

const JWT = `eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm5hIn0.${"a-_9".repeat(11)}`;
const PEM = ["-----BEGIN EC PRIVATE KEY-----", "MHcCAQEE", "-----END EC PRIVATE KEY-----"];
/** An account's number that nobody has, from the registry's examples. */
const ACCOUNT = "GB82 WEST 1234 5698 7654 32";

const found: readonly (readonly [RedactionDetector, string])[] = [
  ["CREDENTIALS", "calls with Bearer «mF_9.B5f-4.1JqM»"],
  ["CREDENTIALS", "Bearer%20«abcdefgh1»&x=1"],
  ["CREDENTIALS", "basic «QWxhZGRpbjpvcGVuIHNlc2FtZQ==», and so on"],
  ["CREDENTIALS", 'Authorization: «Digest username="Mufasa", x»"'],
  ["CREDENTIALS", '{"authorization":["«Bearer abc»"],"x":1}'],
  ["CREDENTIALS", '{"password":"«hunt\\"er2»","user":"anna"}'],
  ["CREDENTIALS", '{"line":"Cookie: «a="b"; c»","next":1}'],
  ["CREDENTIALS", '{\\"api_key\\": \\"«12345»\\", \\"user\\": 1}'],
  ["CREDENTIALS", "GET /callback?state=a&access_token=«s3cr3t»&user=anna HTTP/1.1"],
  ["CREDENTIALS", "/blob?sv=2024&sig=«aB%2F1»"],
  ["CREDENTIALS", "GET /\r\nCookie: «sid=1; theme=dark»\r\nHost: a"],
  ["CREDENTIALS", "GET /\\r\\nSet-Cookie: «sid=1; Path=/»\\r\\nHost: a"],
  ["CREDENTIALS", "login user=anna password=«hunter2!» ok"],
  ["CREDENTIALS", "db at postgres://app:«p@ss»@db.shop:5432/x"],
  ["CREDENTIALS", "form user[token]=«abc»&a=b"],
  ["JWT", `?id=«${JWT}»&x=1`],
  ["JWT", "cut off: «eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOi»"],
  ["PRIVATE_KEY", `the key «${PEM.join("\n")}» is out`],
  ["PRIVATE_KEY", `{"key":"«${PEM.join("\\n")}»"}`],
  ["PRIVATE_KEY", "cut off «-----BEGIN PRIVATE KEY-----\nMIIEvQ»"],
  ["ACCESS_KEY", "id «AKIAIOSFODNN7EXAMPLE»."],
  ["ACCESS_KEY", `«ghp_${"a1".repeat(18)}»`],
  ["EMAIL", "to «anna.b+c@mail.example.org», please"],
  ["EMAIL", "/users/«anna%40example.com»/orders"],
  ["EMAIL", "an «änna@bücher.example»"],
  ["CARD_NUMBER", "paid with «4111 1111 1111 1111» 12/27"],
  ["CARD_NUMBER", "amex «378282246310005»"],
  ["CARD_NUMBER", '{"pan":«5555555555554444»}'],
  ["CARD_NUMBER", "7 «4111-1111-1111-1111» 12 «6011111111111117»"],
  ["IBAN", `from «${ACCOUNT}».`],
  ["IBAN", "«DE89370400440532013000»"],
  ["IP_ADDRESS", "from «10.1.2.3»:8080 to «192.168.0.255»."],
  ["IP_ADDRESS", "[«2001:db8::8a2e:370:7334»]:443 and «::ffff:192.0.2.1»"],
];

test.each(found)("%s finds %s", (name, text) =>
  expect(marked(name, text.replaceAll(/[«»]/g, ""))).toBe(text),
);

const passed: readonly (readonly [RedactionDetector, string])[] = [
  ["CREDENTIALS", "the bearer certificates of basic authentication failed"],
  ["CREDENTIALS", "GET /search?q=tokens&page=2 tokens: 5, https://example.org:8080/a"],
  ["CREDENTIALS", "gen_ai.usage.output_tokens=12 design=new assignature=x"],
  ["JWT", "eyJhbGci and eyJ.a.b and eyJhbGciOiJIUzI1NiJ9"],
  ["PRIVATE_KEY", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"],
  ["PRIVATE_KEY", "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----"],
  ["ACCESS_KEY", "AKIAIOSFODNN7EXAMPL and XAKIAIOSFODNN7EXAMPLE and ghp_short"],
  ["EMAIL", "anna@localhost, @anna, pkg@1.2.3, image@sha256:ab, a @ b.org"],
  ["CARD_NUMBER", "4111 1111 1111 1112"],
  [
    "CARD_NUMBER",
    "1764521412345678901 and 0.4111111111111111 and 41111111111111114111111111111111",
  ],
  ["CARD_NUMBER", "79927398713"],
  ["IBAN", "GB82 WEST 1234 5698 7654 33"],
  ["IBAN", "ZZ89370400440532013000 DE8937040044053201300 XDE89370400440532013000"],
  ["IP_ADDRESS", "1.2.3.4.5 and 256.1.1.1 and v1.2.3 and 01.2.3.4x"],
  ["IP_ADDRESS", "12:34:56, aa:bb:cc:dd:ee:ff, std::string, a::, 1:2:3:4:5:6:7:8:9"],
];

test.each(passed)("%s leaves %s", (name, text) => expect(marked(name, text)).toBe(text));

const names = Object.keys(detectors) as RedactionDetector[];
const pieces = [...found.map(([, text]) => text.replaceAll(/[«»]/g, "")), "=", ":", '"', "\\", "@"];

test("finds pieces of the text, and only where its trigger matches", () => {
  const text = fc.array(fc.oneof(fc.constantFrom(...pieces), fc.string()), { maxLength: 6 });
  fc.assert(
    fc.property(text, fc.constantFrom(...names), (parts, name) => {
      const whole = parts.join("");
      const ranges = joined([...detectors[name].find(whole)]);
      let at = 0;
      for (const { start, end } of ranges) {
        expect(start).toBeGreaterThanOrEqual(at);
        expect(end).toBeGreaterThan(start);
        at = end;
      }
      expect(at).toBeLessThanOrEqual(whole.length);
      if (ranges.length > 0) expect(whole).toMatch(new RegExp(detectors[name].trigger, "i"));
    }),
    { numRuns: 2000 },
  );
});

/** Milliseconds of this thread, not of the clock: other tests run beside this one. */
function cpu(work: () => void): number {
  const before = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1000;
}

const MEGABYTE = 1024 * 1024;
const hostile = [
  ...["a", "eyJ", "eyJ.", "eyJaaaaaaaaaaaaa.", "@", "a@", "a@a.", "a.", "1", "1 ", "4 ", "4111-"],
  ...["-----BEGIN PRIVATE KEY-----", "-----BEGIN ", "://", "://a:", "bearer ", "basic a", "GB82"],
  ...[
    "token",
    "token=",
    'token="',
    "token=[",
    "token:\\",
    "cookie: ",
    '\\"',
    "=:",
    "a=",
    "1.",
    "1:",
  ],
  ...["::", "1.2.3.4", "AKIA", "ghp_", "xoxb-", "%40", "\n", " ", "é", "😀", "DE89 3", "token=\\"],
];

describe("1 MB of text takes a bounded time, whatever it is", () => {
  test.each(names)("%s", (name) => {
    for (const piece of hostile) {
      const text = piece.repeat(Math.ceil(MEGABYTE / piece.length));
      const ms = cpu(() => {
        for (const _ of detectors[name].find(text));
        new RegExp(detectors[name].trigger, "i").test(text);
      });
      expect.soft(ms, `${name} on ${JSON.stringify(piece)}`).toBeLessThan(4000);
    }
  });

  // Each takes JavaScript's own engine longer than anybody waits.
  test.each(["(a+)+$", "(a|aa)+b", "(a*)*b", "(.*)(.*)(.*)(.*)b!", "a+b|a", "(?:a?){50}a{50}b"])(
    "an expression: %s",
    (pattern) => {
      const finder = regexFinder(pattern);
      const end = performance.now() + 500;
      const text = "a".repeat(MEGABYTE);
      const ms = cpu(() => {
        const { ranges, read } = finder(text, () => performance.now() > end);
        expect(read).toBe(false);
        // What was not read is taken away.
        expect(ranges.at(-1)?.end).toBe(text.length);
      });
      expect(ms).toBeLessThan(2000);
    },
  );
});

test("an expression finds what RE2 does, and tells UTF-16 offsets", () => {
  const { ranges, read } = regexFinder("(?i)cust-\\d+")("😀 CUST-12, cust-x, cust-3", () => false);
  expect(read).toBe(true);
  expect(ranges).toEqual([
    { start: 3, end: 10 },
    { start: 20, end: 26 },
  ]);
  expect(regexFinder("x*")("abc", () => false).ranges).toEqual([]);
  expect(() => regexFinder("(?=a)")).toThrow();
  expect(() => regexFinder("\\w{1000}".repeat(6))).toThrow(/steps/);
  const long = regexFinder("b")("a".repeat(MAX_REGEX_TEXT + 5), () => false);
  expect(long).toEqual({
    ranges: [{ start: MAX_REGEX_TEXT, end: MAX_REGEX_TEXT + 5 }],
    read: false,
  });
});
