import { expect, test } from "vitest";
import { type Column, hiddenColumns, leastWidth, nextSort, readSort, toCsv } from "./column.ts";

test("a sort order is read from the URL", () => {
  expect(readSort("-rate")).toEqual([{ id: "rate", desc: true }]);
  expect(readSort("name")).toEqual([{ id: "name", desc: false }]);
  expect(readSort("")).toEqual([]);
});

test("a header sorts numbers from the largest, text from A, and turns when pressed again", () => {
  expect(nextSort("", "rate", "end")).toBe("-rate");
  expect(nextSort("-rate", "rate", "end")).toBe("rate");
  expect(nextSort("-rate", "name", undefined)).toBe("name");
  expect(nextSort("name", "name", undefined)).toBe("-name");
});

test("CSV quotes what must be quoted and never becomes a formula", () => {
  const columns: Column<{ name: string; rate: number | null }>[] = [
    { id: "name", header: "Name", cell: () => null, width: "1fr", value: (row) => row.name },
    { id: "rate", header: "Rate, 1/s", cell: () => null, width: "1fr", value: (row) => row.rate },
  ];
  const rows = [
    { name: 'a "b", c', rate: -1.5 },
    { name: "=1+1", rate: null },
  ];
  expect(toCsv(columns, rows)).toBe('Name,"Rate, 1/s"\r\n"a ""b"", c",-1.5\r\n\'=1+1,\r\n');
});

test("a table is at least as wide as its columns at their least, with the gaps", () => {
  const column = (width: string): Column<unknown> => ({
    id: width,
    header: "",
    cell: () => null,
    width,
  });
  expect(leastWidth([column("100px"), column("minmax(50px, 2fr)")])).toBe(100 + 50 + 12 + 24);
});

test("spare columns are hidden until the URL says otherwise", () => {
  const columns: Column<unknown>[] = [
    { id: "a", header: "", cell: () => null, width: "1px" },
    { id: "b", header: "", cell: () => null, width: "1px", spare: true },
  ];
  expect([...hiddenColumns(columns, undefined)]).toEqual(["b"]);
  expect([...hiddenColumns(columns, "none")]).toEqual([]);
  expect([...hiddenColumns(columns, "a,b")]).toEqual(["a", "b"]);
});
