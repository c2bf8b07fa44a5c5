import { expect, test } from "vitest";
import { createEventParser, type ServerEvent } from "./event-stream.ts";

function parse(...pieces: string[]): ServerEvent[] {
  const events: ServerEvent[] = [];
  const parser = createEventParser((event) => events.push(event));
  for (const piece of pieces) parser(piece);
  return events;
}

test("reads events cut anywhere", () => {
  const text = 'event: revision\nid: 7\ndata: {"number":\ndata: 41}\n\n: keep-alive\n\ndata: x\n\n';
  const whole = [
    { event: "revision", id: "7", data: '{"number":\n41}' },
    { event: "message", id: "7", data: "x" },
  ];
  expect(parse(text)).toEqual(whole);
  expect(parse(...text)).toEqual(whole);
});

test("takes CRLF, also when it is cut in two", () => {
  expect(parse("data: a\r", "\ndata: b\r\n\r\n")).toEqual([
    { event: "message", id: "", data: "a\nb" },
  ]);
});

test("a comment or an event without data says nothing", () => {
  expect(parse(": hello\n\nevent: ping\n\n")).toEqual([]);
});
