import { expect, test } from "vitest";
import { type Attributes, type LogRecord, nameUnprovenCallers } from "../index.ts";

const OWNERS: Readonly<Record<string, { workload: string; namespace: string }>> = {
  "10.0.0.9": { workload: "nightly", namespace: "batch" },
  "fd00::9": { workload: "nightly", namespace: "batch" },
};

async function named(...all: Attributes[]): Promise<{ names: unknown[]; asked: string[] }> {
  const asked: string[] = [];
  const records = all.map((attributes): LogRecord => ({
    ...{ timeNs: 5n, severity: "INFO", body: "GET / 200", traceId: "", spanId: "" },
    ...{ attributes: { "heddle.reporter": "destination", ...attributes }, resource: {} },
  }));
  await nameUnprovenCallers(records, async (address) => {
    asked.push(address);
    return OWNERS[address];
  });
  const names = records.map(({ attributes }) => attributes["heddle.caller.workload"]);
  return { names, asked };
}
const from = (address: string, principal = "unknown"): Attributes => ({
  "source.principal": principal,
  "envoy.downstream.remote_address": address,
});

test("a caller without an identity is whoever has its address, asked for once", async () => {
  expect(
    await named(from("10.0.0.9:1"), from("10.0.0.9:2"), from("[fd00::9]:3"), from("10.0.0.7:4")),
  ).toEqual({
    names: ["nightly", "nightly", "nightly", undefined],
    asked: ["10.0.0.9", "fd00::9", "10.0.0.7"],
  });
});

test("a caller that has proven itself is not looked for, nor the client of a client's record", async () => {
  expect(
    await named(from("10.0.0.9:1", "spiffe://td/ns/a/sa/b"), {
      ...from("10.0.0.9:2"),
      "heddle.reporter": "source",
    }),
  ).toEqual({ names: [undefined, undefined], asked: [] });
});

test("what a record says of it itself is taken off", async () => {
  const claim = { "heddle.caller.workload": "bank", "heddle.caller.namespace": "bank" };
  expect(
    await named({ ...from("10.0.0.7:1"), ...claim }, { ...claim, "heddle.reporter": "source" }),
  ).toMatchObject({ names: [undefined, undefined] });
});
