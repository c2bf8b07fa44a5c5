import { describe, expect, test } from "vitest";
import { addTerm, completions, type Field, matches, parseQuery } from "./query.ts";

interface Row {
  name: string;
  namespace: string;
  errors: number;
  p95: number | null;
  mtls: boolean;
}

const fields: Field<Row>[] = [
  { name: "name", type: "text", about: "name", read: (row) => row.name },
  {
    name: "ns",
    aliases: ["namespace"],
    type: "text",
    about: "namespace",
    read: (row) => row.namespace,
  },
  { name: "errors", type: "share", about: "share of failed requests", read: (row) => row.errors },
  { name: "p95", type: "duration", about: "latency", read: (row) => row.p95 },
  { name: "mtls", type: "flag", about: "mutual TLS", read: (row) => row.mtls },
];

const rows: Row[] = [
  { name: "reviews", namespace: "default", errors: 0.02, p95: 340, mtls: true },
  { name: "ratings", namespace: "default", errors: 0, p95: 12, mtls: false },
  { name: "cart", namespace: "shop", errors: 0.01, p95: null, mtls: true },
];

const found = (text: string) => {
  const query = parseQuery(text, fields);
  expect(query.problems).toEqual([]);
  return rows.filter((row) => matches(query, row, fields)).map((row) => row.name);
};

describe("filter", () => {
  test("of nothing keeps everything", () => {
    expect(found("")).toEqual(["reviews", "ratings", "cart"]);
  });

  test("compares percentages and durations in their units", () => {
    expect(found("errors > 1%")).toEqual(["reviews"]);
    expect(found("errors >= 0.01")).toEqual(["reviews", "cart"]);
    expect(found("p95 > 300ms")).toEqual(["reviews"]);
    expect(found("p95<0.1s")).toEqual(["ratings"]);
  });

  test("joins terms, takes aliases, quotes and negations", () => {
    expect(found("namespace = default errors>1%")).toEqual(["reviews"]);
    expect(found("!mtls")).toEqual(["ratings"]);
    expect(found("mtls ns = shop")).toEqual(["cart"]);
    expect(found('name = "cart"')).toEqual(["cart"]);
    expect(found("ns != shop name ~ rat")).toEqual(["ratings"]);
    expect(found("rev")).toEqual(["reviews"]);
    expect(found("! rev")).toEqual(["ratings", "cart"]);
  });

  test("a missing value is neither above nor below", () => {
    expect(found("p95 >= 0")).toEqual(["reviews", "ratings"]);
    expect(found("p95 < 1h")).toEqual(["reviews", "ratings"]);
  });

  test("names what it does not understand and goes on with the rest", () => {
    const query = parseQuery("speed > 3 ns = shop p95 > fast errors >", fields);
    expect(query.problems).toEqual([
      "“speed” is not a field; there are name, ns, errors, p95, mtls",
      "“fast” is not a duration",
      "“errors >” lacks a value",
    ]);
    expect(rows.filter((row) => matches(query, row, fields)).map((row) => row.name)).toEqual([
      "cart",
    ]);
    expect(parseQuery("= 3 !", fields).problems).toHaveLength(2);
  });

  test("adds a clicked value once, quoted where it must be", () => {
    const once = addTerm("", "status", "=", 503);
    expect(once).toBe("status = 503");
    expect(addTerm(once, "status", "=", 503)).toBe(once);
    expect(addTerm(once, "path", "=", "/a b")).toBe('status = 503 path = "/a b"');
  });

  test("completes the field being typed, but not a value", () => {
    expect(completions("ns = shop e", fields).map((item) => item.insert)).toEqual([
      "ns = shop errors > ",
    ]);
    expect(completions("!m", fields).map((item) => item.insert)).toEqual(["!mtls "]);
    expect(completions("ns = ", fields)).toEqual([]);
  });
});
