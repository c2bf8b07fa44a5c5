import { describe, expect, it } from "vitest";
import type { AgentFrame, Head } from "./frames.ts";
import { PROTOCOLS } from "./protocol.ts";
import { emptyRoom, room, type RoomEffect, type RoomState } from "./room.ts";

const AGENT = { id: "a", name: "west" };
const TIME = "2026-01-01T00:00:00.000Z";
const START = Date.parse(TIME);

const head = (number: number) =>
  ({ number, parent: number - 1, time: TIME, hash: `hash ${number}` }) as Head;

/** A room with one agent that greeted, and the heads that were published since. */
function open(heads: number, hello: { acknowledged?: number } = {}) {
  let state: RoomState = emptyRoom("mesh");
  let effects: readonly RoomEffect[] = [];
  const say = (frame: AgentFrame, now = START + 1_000) => {
    [state, effects] = room(state, { type: "frame", agent: AGENT, frame, now });
    return effects;
  };
  const greet = (acknowledged = 0) =>
    say({
      ...{ type: "hello", protocols: [...PROTOCOLS], agent: "west", version: "1", features: [] },
      ...{ applied: acknowledged, acknowledged },
    });
  greet(hello.acknowledged);
  for (let number = 1; number <= heads; number++)
    [state] = room(state, { type: "publish", head: head(number), inline: undefined, now: START });
  const ack = (number: number, proxies: number, acknowledged: number) =>
    say({ type: "ack", number, proxies, acknowledged, laggards: [], rejections: [] });
  return { say, greet, ack, state: () => state, agent: () => state.agents.get("a") };
}

describe("a ping", () => {
  it("stands in for an acknowledgement that was lost: the revision is applied, and that is stored", () => {
    const link = open(2);
    link.ack(1, 3, 3);
    link.ack(2, 3, 1);
    expect(link.state().progress.get(2)).toMatchObject({ acknowledged: 1, durationMs: undefined });
    const effects = link.say({ type: "ping", acknowledged: 2 }, START + 5_000);
    expect(link.agent()).toMatchObject({ acknowledged: 2 });
    expect(link.state().progress.get(2)).toMatchObject({ acknowledged: 3, durationMs: 5_000 });
    expect(effects).toMatchObject([
      { type: "send", frame: { type: "pong", number: 2 } },
      { type: "acknowledged", ack: { number: 2, proxies: 3, acknowledged: 3 }, complete: true },
      { type: "progress", progress: { number: 2 } },
    ]);
  });

  it("says nothing new where the acknowledgement came, and takes nothing back", () => {
    const link = open(2);
    link.ack(2, 3, 3);
    for (const acknowledged of [2, 1, 0]) {
      const effects = link.say({ type: "ping", acknowledged });
      expect(effects).toMatchObject([{ type: "send", frame: { type: "pong" } }]);
      expect(effects).toHaveLength(1);
      expect(link.agent()).toMatchObject({ acknowledged: 2 });
    }
  });

  it("finishes an earlier revision without hiding how far a later one is", () => {
    const link = open(3);
    link.ack(3, 4, 1);
    link.say({ type: "ping", acknowledged: 2 }, START + 2_000);
    expect(link.agent()).toMatchObject({ acknowledged: 2, ack: { number: 3, acknowledged: 1 } });
    expect(link.state().progress.get(3)).toMatchObject({ durationMs: undefined });
  });

  it("is not believed of a revision that was never published here", () => {
    const link = open(2);
    link.say({ type: "ping", acknowledged: 9 });
    expect(link.agent()).toMatchObject({ acknowledged: 0, ack: undefined });
  });
});

it("keeps what an agent has acknowledged when it greets again with less", () => {
  const link = open(2);
  link.ack(2, 1, 1);
  link.greet(0);
  expect(link.agent()).toMatchObject({ acknowledged: 2 });
});
