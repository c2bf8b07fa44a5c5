/** The session against a simulated plane and link that drop, repeat, delay and tamper. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  acceptBundle,
  emptyState,
  type Head,
  type MeshState,
  type PlaneFrame,
  room,
  emptyRoom,
  type RoomState,
  session,
  type SessionEffect,
  type SessionEvent,
  type SessionState,
  startingSession,
  SyncError,
} from "./index.ts";
import { testHistory, type TestHistory } from "./testing/history.ts";

const AGENT = { id: "agent-1", name: "one" };

type Trouble = "drop" | "repeat" | "delay" | "none";
type Plain<T> = T extends unknown ? Omit<T, "now" | "random"> : never;

/** Joins a session to a room over a link that does as it is told. Time is simulated. */
class Simulation {
  now = 1_700_000_000_000;
  session: SessionState;
  room: RoomState;
  mesh: MeshState = emptyState;
  readonly applied: number[] = [];
  readonly reports: string[] = [];
  private timers = new Map<string, number>();
  private inbox: Plain<SessionEvent>[] = [];
  private delayed: Plain<SessionEvent>[] = [];
  private planeDown = false;
  tamper = 0;
  readonly history: TestHistory;
  private readonly troubles: Trouble[];

  constructor(history: TestHistory, troubles: Trouble[], features?: string[]) {
    this.history = history;
    this.troubles = troubles;
    this.room = emptyRoom(history.mesh);
    this.session = startingSession({
      mesh: history.mesh,
      agent: "one",
      version: "1",
      ...(features ? { features } : {}),
    });
  }

  async publish(value: number, requires?: string[]) {
    const { head, text } = await this.history.commit(
      { a: { value }, [`k${value % 3}`]: value % 4 ? { value } : null },
      requires,
    );
    this.toRoom({ type: "publish", head, inline: value % 2 ? text : undefined });
  }

  setPlane(up: boolean) {
    if (this.planeDown === !up) return;
    this.planeDown = !up;
    if (up) return;
    this.inbox.push({ type: "closed", socket: this.session.socket, refused: false });
    this.toRoom({ type: "gone", agent: AGENT.id });
  }

  /** The plane starts anew and knows only what is in its database. */
  restartPlane() {
    this.setPlane(false);
    this.room = emptyRoom(this.history.mesh);
    const last = this.history.revisions.at(-1);
    if (last) this.toRoom({ type: "publish", head: last.head, inline: undefined });
    this.planeDown = false;
  }

  /** The agent starts anew from what it had on disk. */
  restartAgent() {
    this.timers.clear();
    this.inbox = [];
    this.delayed = [];
    const { settings, acknowledged } = this.session;
    const header = this.mesh.header;
    this.session = startingSession(
      settings,
      header ? { number: header.number, hash: this.mesh.headHash } : undefined,
      acknowledged,
    );
    this.inbox.push({ type: "start" });
  }

  toRoom(
    event: Parameters<typeof room>[1] extends infer E
      ? E extends unknown
        ? Omit<E, "now">
        : never
      : never,
  ) {
    const [next, effects] = room(this.room, { ...event, now: this.now } as Parameters<
      typeof room
    >[1]);
    this.room = next;
    for (const effect of effects) if (effect.type === "send") this.toAgent(effect.frame);
  }

  private toAgent(frame: PlaneFrame) {
    const event = { type: "frame", socket: this.session.socket, frame } as const;
    switch (this.troubles.pop() ?? "none") {
      case "drop":
        return;
      case "repeat":
        this.inbox.push(event, event);
        return;
      case "delay":
        this.delayed.push(event);
        return;
      case "none":
        this.inbox.push(event);
    }
  }

  /** Runs until nothing is left but heartbeats, for at most `ms` simulated milliseconds. */
  async run(ms: number) {
    const end = this.now + ms;
    for (let step = 0; step < 5_000; step++) {
      const event = this.inbox.shift();
      if (event) {
        await this.step(event);
        continue;
      }
      this.inbox.push(...this.delayed.splice(0));
      if (this.inbox.length > 0) continue;
      const [timer] = [...this.timers].toSorted((a, b) => a[1] - b[1]);
      if (!timer || timer[1] > end) break;
      this.now = Math.max(this.now, timer[1]);
      this.timers.delete(timer[0]);
      await this.step({ type: "timer", timer: timer[0] as "rest" });
    }
    this.now = end;
  }

  private async step(event: Plain<SessionEvent>) {
    const [next, effects] = session(this.session, {
      ...event,
      now: this.now,
      random: 0.5,
    } as SessionEvent);
    this.session = next;
    for (const effect of effects) await this.perform(effect);
  }

  private async perform(effect: SessionEffect) {
    switch (effect.type) {
      case "connect":
        this.inbox.push(
          this.planeDown
            ? { type: "closed", socket: effect.socket, refused: false }
            : { type: "opened", socket: effect.socket },
        );
        return;
      case "close":
        this.toRoom({ type: "gone", agent: AGENT.id });
        return;
      case "send":
        if (!this.planeDown) this.toRoom({ type: "frame", agent: AGENT, frame: effect.frame });
        return;
      case "timer":
        this.timers.set(effect.timer, this.now + effect.after);
        return;
      case "cancel":
        this.timers.delete(effect.timer);
        return;
      case "learn":
        this.inbox.push(
          this.planeDown
            ? { type: "learning-failed" }
            : { type: "learned", heads: await this.way(effect) },
        );
        return;
      case "take":
        return this.take(effect.head, effect.inline);
      case "report":
        this.reports.push(effect.code);
    }
  }

  /** As the plane answers: a chain where it is short, else a snapshot. */
  private async way({
    from,
    snapshot,
  }: {
    from: { number: number; hash: string };
    snapshot: boolean;
  }): Promise<Head[]> {
    const heads = this.history.revisions.map(({ head }) => head);
    const here = from.number === 0 || heads[from.number - 1]?.hash === from.hash;
    if (snapshot || !here || heads.length - from.number > 3)
      return heads.length > 0 ? [await this.history.snapshot()] : [];
    return heads.slice(from.number);
  }

  private async take(head: Head, inline: string | undefined) {
    let text = inline ?? this.history.bundles.get(head.bundle) ?? "";
    if (this.tamper > 0) {
      this.tamper--;
      text = text.replace(
        /"value":(\d)/,
        (_, digit: string) => `"value":${(Number(digit) + 1) % 10}`,
      );
    }
    try {
      const { state } = await acceptBundle(this.mesh, text, {
        mesh: this.history.mesh,
        head,
        verifier: this.history.verifier,
      });
      this.mesh = state;
      this.applied.push(head.number);
      this.inbox.push({ type: "applied", head });
      this.inbox.push({
        type: "progress",
        ack: {
          type: "ack",
          number: head.number,
          proxies: 2,
          acknowledged: 2,
          laggards: [],
          rejections: [],
        },
      });
    } catch (error) {
      if (!(error instanceof SyncError)) throw error;
      this.inbox.push({ type: "refused", head, code: error.code, message: error.message });
    }
  }

  start() {
    this.inbox.push({ type: "start" });
  }
}

const HEALED = 120_000;

describe("a session", () => {
  it("applies heads as they come, by inline bundles and by fetched ones", async () => {
    const link = new Simulation(await testHistory(), []);
    link.start();
    for (const value of [1, 2, 3, 4, 5]) {
      await link.publish(value);
      await link.run(5);
    }
    expect(link.applied).toEqual([1, 2, 3, 4, 5]);
    expect(link.room.agents.get(AGENT.id)?.acknowledged).toBe(5);
    expect(link.room.progress.get(5)).toMatchObject({
      proxies: 2,
      acknowledged: 2,
      durationMs: expect.any(Number),
    });
    expect(link.reports).toEqual([]);
  });

  it("catches up by a chain over a short gap and by a snapshot over a long one", async () => {
    const link = new Simulation(await testHistory(), []);
    link.start();
    await link.publish(1);
    await link.run(5);
    link.setPlane(false);
    await link.run(5_000);
    await link.publish(2);
    await link.publish(3);
    link.setPlane(true);
    await link.run(2_000);
    expect(link.applied).toEqual([1, 2, 3]);
    link.setPlane(false);
    for (let value = 4; value < 12; value++) await link.publish(value);
    link.setPlane(true);
    await link.run(2_000);
    expect(link.applied).toEqual([1, 2, 3, 11]);
  });

  it("holds at a revision that needs a feature it lacks, and says so once", async () => {
    const link = new Simulation(await testHistory(), [], ["cohorts"]);
    link.start();
    await link.publish(1);
    await link.publish(2, ["time-travel"]);
    await link.publish(3);
    await link.run(HEALED);
    expect(link.applied).toEqual([1]);
    expect(link.session.held).toEqual({ number: 2, missing: ["time-travel"] });
    expect(link.reports.filter((code) => code === "HDL7008")).toHaveLength(1);
  });

  it("refuses what another key signed, keeps what it has and reports it", async () => {
    const history = await testHistory();
    const link = new Simulation(history, []);
    link.start();
    await link.publish(1);
    await link.run(5);
    const foreign = await testHistory(history.mesh);
    await foreign.commit({ x: {} });
    const forged = await foreign.commit({ y: {} });
    link.history.bundles.set(forged.head.bundle, forged.text);
    const first = history.revisions[0]?.head as Head;
    link.toRoom({
      type: "publish",
      head: { ...forged.head, parentHash: first.hash },
      inline: undefined,
    });
    await link.run(1_000);
    expect(link.applied).toEqual([1]);
    expect(link.reports).toContain("HDL7004");
  });

  it("never goes back: a plane restored from a backup is reported, not followed", async () => {
    const link = new Simulation(await testHistory(), []);
    link.start();
    for (const value of [1, 2, 3]) await link.publish(value);
    await link.run(100);
    link.history.revisions.splice(1);
    link.restartPlane();
    await link.run(5_000);
    expect(link.mesh.header?.number).toBe(3);
    expect(link.reports).toContain("HDL7007");
    // Two applies later the plane is past it, with another history: the agent follows by a snapshot.
    for (const value of [7, 8, 9]) await link.publish(value);
    await link.run(HEALED);
    expect(link.mesh.headHash).toBe(link.history.revisions.at(-1)?.head.hash);
  });

  it("reaches the plane's newest state through drops, repeats, delays, restarts and tampering, and never goes back", async () => {
    const action = fc.oneof(
      { weight: 5, arbitrary: fc.constant("publish" as const) },
      { weight: 4, arbitrary: fc.constant("run" as const) },
      fc.constantFrom("down", "up", "restart-plane", "restart-agent", "tamper", "wait"),
    );
    const trouble = fc.constantFrom<Trouble>("drop", "repeat", "delay", "none", "none");
    await fc.assert(
      fc.asyncProperty(
        fc.array(action, { maxLength: 30 }),
        fc.array(trouble, { maxLength: 40 }),
        async (actions, troubles) => {
          const link = new Simulation(await testHistory(), troubles);
          link.start();
          let value = 0;
          for (const act of actions) {
            if (act === "publish") await link.publish(++value);
            else if (act === "run") await link.run(7);
            else if (act === "wait") await link.run(20_000);
            else if (act === "down") link.setPlane(false);
            else if (act === "up") link.setPlane(true);
            else if (act === "restart-plane") link.restartPlane();
            else if (act === "restart-agent") link.restartAgent();
            else link.tamper++;
          }
          troubles.length = 0;
          link.setPlane(true);
          await link.run(HEALED);
          expect(link.mesh.headHash).toBe(link.history.revisions.at(-1)?.state.headHash ?? "");
          expect(link.mesh.objects).toEqual(
            link.history.revisions.at(-1)?.state.objects ?? new Map(),
          );
          expect(link.applied).toEqual(link.applied.toSorted((a, b) => a - b));
          expect(new Set(link.applied).size).toBe(link.applied.length);
          expect(link.room.agents.get(AGENT.id)?.acknowledged ?? 0).toBe(value);
        },
      ),
      { numRuns: 150 },
    );
  });
});
