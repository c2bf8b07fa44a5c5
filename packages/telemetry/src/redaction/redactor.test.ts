import type { Redaction, RedactionDetector, RedactionForm, RedactionRule } from "@heddle/model";
import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeLogs, encodeLogs } from "../otlp/logs.ts";
import { decodeTraces, encodeTraces } from "../otlp/traces.ts";
import type { Attributes, LogRecord, SpanRecord } from "../records.ts";
import {
  createRedactor,
  MASK,
  type NamedRedaction,
  type ProvenOwner,
  type RedactionTally,
} from "./index.ts";

const ROOT = "heddle-system";
const WEB: ProvenOwner = { namespace: "shop", labels: { app: "web" } };

/** Not a hash that anybody should use. */
const hash = (value: string) =>
  [...value]
    .reduce((sum, char) => (sum * 31 + char.codePointAt(0)!) >>> 0, 7)
    .toString(16)
    .padStart(16, "0");

const redactor = (...objects: NamedRedaction[]) =>
  createRedactor({ rootNamespace: ROOT, objects }, { hash, now: () => 0 });
const object = (spec: Redaction, namespace = ROOT, name = "x"): NamedRedaction => ({
  ...{ namespace, name, spec },
});
const rules = (...all: RedactionRule[]) => redactor(object({ rules: all, secrets: "PASS" }));

function tally(): RedactionTally & { counts: Record<string, number>; unreadLabels: string[] } {
  const counts: Record<string, number> = {};
  const unreadLabels: string[] = [];
  return {
    ...{ counts, unreadLabels },
    redacted: (label, values) => void (counts[label] = (counts[label] ?? 0) + values),
    unread: (label) => void unreadLabels.push(label),
  };
}

const log = (attributes: Attributes, body = "", resource: Attributes = {}): LogRecord => ({
  ...{ timeNs: 5n, severity: "INFO", traceId: "", spanId: "" },
  ...{ body, attributes, resource },
});

/** What is left of a record. */
function after(
  by: ReturnType<typeof redactor>,
  record: LogRecord,
  owner: ProvenOwner | "nobody" = WEB,
) {
  by.logs([record], owner === "nobody" ? undefined : owner, tally());
  return record;
}

test("without any object secrets are taken away, from names, texts, and what records share", () => {
  const counted = tally();
  const resource = { "service.name": "web", "deploy.token": "abc" };
  const records = [
    log(
      { "http.request.header.authorization": '["abc"]', "url.path": "/a?token=b&page=2" },
      "Bearer abc.def.1",
      resource,
    ),
    log({ status: 200, "user.email": "anna@example.org" }, "all is well", resource),
  ];
  redactor().logs(records, WEB, counted);
  expect(records[0]).toMatchObject({
    attributes: {
      "http.request.header.authorization": MASK,
      "url.path": `/a?token=${MASK}&page=2`,
    },
    body: `Bearer ${MASK}`,
    resource: { "service.name": "web", "deploy.token": MASK },
  });
  expect(records[1]).toMatchObject({
    attributes: { status: 200, "user.email": "anna@example.org" },
    body: "all is well",
  });
  // One resource stays one.
  expect(records[1]!.resource).toBe(records[0]!.resource);
  expect(resource["deploy.token"]).toBe("abc");
  expect(counted.counts).toEqual({ secrets: 4 });
});

test("spans are read whole: names, status, attributes, events, links", () => {
  const span: SpanRecord = {
    ...{ traceId: "a".repeat(32), spanId: "b".repeat(16), parentSpanId: "", service: "web" },
    ...{ operation: "GET /a?token=b", kind: "server", startNs: 1n, durationNs: 1 },
    ...{ status: "error", statusMessage: "password=b" },
    attributes: { "db.password": 5, cookie: true },
    resource: {},
    events: [{ name: "secret=b", offsetNs: 0, attributes: { message: "secret: b" } }],
    links: [{ traceId: "a".repeat(32), spanId: "b".repeat(16), attributes: { api_key: "b" } }],
  };
  redactor().traces([span], WEB, tally());
  expect(span).toMatchObject({
    operation: `GET /a?token=${MASK}`,
    statusMessage: `password=${MASK}`,
    attributes: { "db.password": MASK, cookie: MASK },
    events: [{ name: `secret=${MASK}`, attributes: { message: `secret: ${MASK}` } }],
    links: [{ attributes: { api_key: MASK } }],
  });
});

test("places: attributes by wildcard, parameters, bodies, paths", () => {
  const all = () =>
    log(
      { "User.Name": "Anna", "url.path": "/users/7?name=Anna&q=1#a", note: "/x?name=Anna" },
      "GET /users/7?name=Anna 200",
    );
  expect(after(rules({ where: { attributes: ["user.*"] } }), all()).attributes).toMatchObject({
    "User.Name": MASK,
    note: "/x?name=Anna",
  });
  expect(after(rules({ where: { queryParameters: ["na*"] } }), all())).toMatchObject({
    attributes: { "url.path": `/users/7?name=${MASK}&q=1#a`, note: `/x?name=${MASK}` },
    body: `GET /users/7?name=${MASK} 200`,
  });
  expect(after(rules({ where: { body: true } }), all())).toMatchObject({
    attributes: { "User.Name": "Anna" },
    body: MASK,
  });
  expect(after(rules({ where: { path: true } }), all())).toMatchObject({
    attributes: { "url.path": `/${MASK}?name=Anna&q=1#a`, note: "/x?name=Anna" },
    body: `GET /${MASK}?name=Anna 200`,
  });
  expect(after(rules({ where: { path: true }, what: { regex: "\\d+" } }), all())).toMatchObject({
    attributes: { "url.path": `/users/${MASK}?name=Anna&q=1#a` },
    body: `GET /users/${MASK}?name=Anna 200`,
  });
  const traces = { signals: ["TRACES"], body: true } as const;
  expect(after(rules({ where: traces }), all()).body).toBe(all().body);
});

test("forms: masks, last characters, hashes that stay equal, nothing", () => {
  const of = (how: RedactionForm, value: Attributes[string]) =>
    after(rules({ where: { attributes: ["a"] }, how }), log({ a: value })).attributes["a"];
  expect(of({ mask: "—" }, "anna")).toBe("—");
  expect(of({ keepLast: 4 }, "4111111111111111")).toBe("****1111");
  expect(of({ keepLast: 4 }, "1234567")).toBe("****");
  expect(of({ keepLast: 2 }, 123456)).toBe("****56");
  expect(of({ hash: true }, "anna")).toBe(of({ hash: true }, "anna"));
  expect(of({ hash: true }, "anna")).not.toBe(of({ hash: true }, "bert"));
  expect(of({ drop: true }, "anna")).toBeUndefined();
  expect(of({ drop: true }, false)).toBeUndefined();
  const found = rules({ what: { detectors: ["EMAIL"] }, how: { drop: true } });
  expect(after(found, log({ a: "by a@b.org", b: "x" }, "by a@b.org!"))).toMatchObject({
    attributes: { b: "x" },
    body: "by !",
  });
});

test("the mesh's rules come first, a namespace's hold for it, a selector's for what it selects", () => {
  const mask = (mask: string, labels?: Record<string, string>): Redaction => ({
    ...(labels ? { selector: { matchLabels: labels } } : {}),
    rules: [
      { what: { regex: "x" }, how: { mask } },
      { what: { regex: mask }, how: { mask: `${mask}!` } },
    ],
  });
  const by = redactor(
    object(mask("shop"), "shop"),
    object(mask("mesh")),
    object(mask("bank"), "bank"),
  );
  const body = (owner: ProvenOwner, resource: Attributes = {}, attributes = {}) =>
    after(by, log(attributes, "x", resource), owner).body;
  expect(body(WEB)).toBe("mesh!");
  const own = redactor(object(mask("shop", { app: "web" }), "shop"), object(mask("bank"), "bank"));
  const left = (owner: ProvenOwner | "nobody", said = "", attributes = {}) =>
    after(own, log(attributes, "x", said ? { "k8s.namespace.name": said } : {}), owner).body;
  expect(left(WEB, "bank")).toBe("shop!");
  expect(left({ ...WEB, labels: { app: "api" } })).toBe("x");
  // What cannot be ruled out holds: labels, and the namespace too.
  expect(left("nobody", "shop")).toBe("shop!");
  expect(left("nobody", "other")).toBe("x");
  expect(left("nobody")).toBe("shop!");
  // The other end of a request has its say.
  expect(left({ namespace: "other", labels: {} }, "", { "destination.namespace": "bank" })).toBe(
    "bank!",
  );
  expect(left({ namespace: "other", labels: {} }, "", { "destination.namespace": "shop" })).toBe(
    "x",
  );
});

test("secrets are turned off by the narrowest object, and by nothing that is not proven", () => {
  const off = { secrets: "PASS" } as const;
  const secret = () => log({}, "token=a", { "k8s.namespace.name": "shop" });
  const kept = (by: ReturnType<typeof redactor>, owner: ProvenOwner | "nobody" = WEB) =>
    after(by, secret(), owner).body === "token=a";
  expect(kept(redactor(object(off)), WEB)).toBe(true);
  expect(kept(redactor(object(off)), "nobody")).toBe(true);
  expect(kept(redactor(object(off, "shop")), WEB)).toBe(true);
  expect(kept(redactor(object(off, "shop")), "nobody")).toBe(false);
  expect(kept(redactor(object(off, "bank")), WEB)).toBe(false);
  const selected = { ...off, selector: { matchLabels: { app: "web" } } };
  expect(kept(redactor(object(selected)), WEB)).toBe(true);
  expect(kept(redactor(object(selected)), "nobody")).toBe(false);
  expect(kept(redactor(object(off), object({ secrets: "REDACT" }, "shop")), WEB)).toBe(false);
  expect(kept(redactor(object(off, "shop"), object({ secrets: "REDACT" }, "shop", "y")), WEB)).toBe(
    false,
  );
});

test("a rule whose expression cannot be used is told, and takes away everything in its places", () => {
  const by = rules({ where: { attributes: ["a"] }, what: { regex: "(?=a)" } });
  expect(by.broken).toEqual([{ label: `${ROOT}/x/0`, why: expect.any(String) }]);
  expect(after(by, log({ a: "b", c: "d" })).attributes).toEqual({ a: MASK, c: "d" });
});

test("what there is no time for is taken away unread, and counted", () => {
  let time = 0;
  const policy = { rootNamespace: ROOT, objects: [object({ rules: [{ what: { regex: "x" } }] })] };
  const by = createRedactor(policy, { hash, now: () => (time += 400) });
  const counted = tally();
  const records = [log({}, "a x"), log({}, "good")];
  by.logs(records, WEB, counted);
  expect(records.map(({ body }) => body)).toEqual([`a ${MASK}`, MASK]);
  expect(counted.unreadLabels.length).toBeGreaterThan(0);
});

const detector = fc.constantFrom<RedactionDetector>(
  ...(["CREDENTIALS", "JWT", "PRIVATE_KEY", "ACCESS_KEY"] as const),
  ...(["EMAIL", "CARD_NUMBER", "IBAN", "IP_ADDRESS"] as const),
);
const how = fc.oneof(
  fc.constant({}),
  fc.constant({ how: { hash: true } }),
  fc.integer({ min: 1, max: 8 }).map((keepLast) => ({ how: { keepLast } })),
);
const rule: fc.Arbitrary<RedactionRule> = fc
  .tuple(
    fc.oneof(
      fc.constant({}),
      fc.constant({ where: { attributes: ["a*"], queryParameters: ["q*"] } }),
      fc.constant({ where: { body: true } }),
    ),
    fc.oneof(
      fc.array(detector, { minLength: 1 }).map((detectors) => ({ what: { detectors } })),
      fc.constant({ where: { attributes: ["a*", "*b"], queryParameters: ["q*"] } }),
    ),
    how,
  )
  .map(([where, what, form]) => ({ ...where, ...what, ...form }));
const piece = fc.oneof(
  fc.constantFrom(
    ...[
      "Bearer abc12345",
      "password=x",
      "?token=a&q=1",
      "anna@example.org",
      "@b.org",
      "4111111111111111",
    ],
    ...[
      "DE89370400440532013000",
      "10.0.0.1",
      "eyJhbGciOiJIUzI1NiJ9.eyJzdWIi.a",
      "AKIAIOSFODNN7EXAMPLE",
    ],
    ...['{"token":"', '"}', "Cookie: ", "://u:p@", "-----BEGIN PRIVATE KEY-----", " ", "=", MASK],
  ),
  fc.string({ unit: "binary", maxLength: 10 }),
);
const text = fc.array(piece, { maxLength: 6 }).map((parts) => parts.join(""));
const key = fc.oneof(
  fc.constantFrom("a", "ab", "authorization", "__proto__", "url.path"),
  fc.string(),
);
const attributes = fc
  .array(fc.tuple(key, fc.oneof(text, fc.double(), fc.boolean(), fc.constant(4111111111111111))), {
    maxLength: 4,
  })
  .map((entries): Attributes => {
    const result: Attributes = {};
    for (const [name, value] of entries)
      Object.defineProperty(result, name, {
        value,
        enumerable: true,
        configurable: true,
        writable: true,
      });
    return result;
  });
const record = fc
  .record({ attributes, body: text, resource: attributes })
  .map(({ attributes: own, body, resource }) => log(own, body, resource));

/** As JSON, without the prototype's part in it. */
const shown = (value: LogRecord) =>
  JSON.stringify(value, (_, part: unknown) => (typeof part === "bigint" ? String(part) : part));

test("whatever a record holds: done twice is done once, bounded, and never behind the byte search's back", () => {
  let changes = 0;
  fc.assert(
    fc.property(fc.array(rule, { maxLength: 3 }), fc.boolean(), record, (all, secrets, made) => {
      const by = redactor(object({ rules: all, secrets: secrets ? "REDACT" : "PASS" }));
      const bytes = encodeLogs([made]);
      // As the agent gets it.
      const own = decodeLogs(bytes).records[0]!;
      const before = shown(own);
      by.logs([own], WEB, tally());
      const once = shown(own);
      if (once !== before) {
        changes++;
        expect(by.concerns(Buffer.from(bytes).toString("latin1"))).toBe(true);
      }
      expect(once.length).toBeLessThanOrEqual(before.length + 64 * 4 * before.length);
      by.logs([own], WEB, tally());
      expect(shown(own)).toBe(once);
      expect(shown(decodeLogs(encodeLogs([own])).records[0]!)).toBe(once);
    }),
    { numRuns: 3000 },
  );
  expect(changes).toBeGreaterThan(500);
});

test("a text with more values than are replaced one by one loses its rest", () => {
  const body = after(
    rules({ what: { regex: "a" }, how: { mask: "b".repeat(64) } }),
    log({}, "a ".repeat(9000)),
  ).body;
  expect(body).not.toContain("a");
  expect(body.length).toBeLessThan(1000 * 65 + 1);
});

test("spans that nothing is found in come out as they were", () => {
  const span = decodeTraces(encodeTraces([])).records;
  redactor().traces(span, WEB, tally());
  expect(span).toEqual([]);
});
