import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AgentFrame, PlaneFrame } from "./frames.ts";
import { PROTOCOLS, SHARING } from "./protocol.ts";
import { emptyRoom, room, type RoomEffect, type RoomEvent, type RoomState } from "./room.ts";
import type { SharedItem } from "./shared-item.ts";
import { nothingShared, type SharedSet, withPart } from "./shared-set.ts";

const TTL = 60_000;

/** A room, and of each socket what it was sent. */
class Mesh {
  state: RoomState = emptyRoom("mesh");
  now = 1_000_000;
  wakes: number[] = [];
  readonly sent = new Map<string, PlaneFrame[]>();

  step(event: RoomEvent extends infer E ? (E extends unknown ? Omit<E, "now"> : never) : never) {
    const [next, effects] = room(this.state, { ...event, now: this.now } as RoomEvent);
    this.state = next;
    for (const effect of effects) this.perform(effect);
  }
  perform(effect: RoomEffect) {
    if (effect.type === "wake") this.wakes.push(effect.at);
    if (effect.type === "send")
      this.sent.set(effect.agent, [...(this.sent.get(effect.agent) ?? []), effect.frame]);
  }
  say(id: string, frame: AgentFrame) {
    this.step({ type: "frame", agent: { id, name: id }, frame });
  }
  greet(id: string, cluster: string | null = id, features: string[] = [SHARING]) {
    this.sent.delete(id);
    this.say(id, {
      ...{ type: "hello", protocols: [...PROTOCOLS], agent: id, version: "1", features },
      ...{ applied: 0, acknowledged: 0 },
      ...(cluster === null ? {} : { sharing: { cluster, ttl: TTL } }),
    });
  }
  share(id: string, version: string, items: readonly SharedItem[], more: Partial<Shared> = {}) {
    const part = { version, part: 0, parts: 1, upserted: [...items], removed: [] };
    this.say(id, { type: "shared", ...part, ...more });
  }
  gone(id: string) {
    this.step({ type: "gone", agent: id });
  }
  frames<Type extends PlaneFrame["type"]>(id: string, type: Type) {
    return (this.sent.get(id) ?? []).filter(
      (frame): frame is Extract<PlaneFrame, { type: Type }> => frame.type === type,
    );
  }
}
type Shared = Extract<AgentFrame, { type: "shared" }>;

const hash = (text: string) => text.padEnd(64, "0");
const item = (name: string, port = 80): SharedItem => ({
  ...{ kind: "gateway", key: name, network: name, address: "10.0.0.1", port },
});

describe("clusters of one mesh", () => {
  it("are asked to share when there is a second one, and told to stop when it is gone", () => {
    const mesh = new Mesh();
    mesh.greet("a");
    expect(mesh.frames("a", "share")).toEqual([]);
    mesh.greet("b");
    expect(mesh.frames("a", "share")).toEqual([{ type: "share", on: true }]);
    expect(mesh.frames("b", "share")).toEqual([{ type: "share", on: true }]);
    mesh.share("a", hash("1"), [item("x")]);
    mesh.gone("b");
    expect(mesh.wakes.at(-1)).toBe(mesh.now + TTL);
    mesh.now += TTL - 1;
    mesh.step({ type: "tick" });
    expect(mesh.frames("a", "share")).toHaveLength(1);
    mesh.now += 1;
    mesh.step({ type: "tick" });
    expect(mesh.frames("a", "clusters").at(-1)).toMatchObject({ clusters: [], withdrawn: ["b"] });
    expect(mesh.frames("a", "share").at(-1)).toEqual({ type: "share", on: false });
    expect(mesh.state.clusters.get("a")?.set).toBe(nothingShared);
  });

  it("are left alone where an agent does not know the protocol, has no cluster, or is of the same one", () => {
    const mesh = new Mesh();
    mesh.greet("a");
    mesh.greet("old", "old", []);
    mesh.greet("none", null);
    mesh.greet("twin", "a");
    for (const id of ["a", "old", "none", "twin"]) expect(mesh.frames(id, "share")).toEqual([]);
    expect(mesh.frames("old", "clusters")).toEqual([]);
  });

  it("are withdrawn at once by an agent that does not share any more", () => {
    const mesh = new Mesh();
    mesh.greet("a");
    mesh.greet("b");
    mesh.share("b", hash("1"), [item("x")]);
    mesh.greet("b", null);
    expect(mesh.frames("a", "clusters").at(-1)).toMatchObject({ clusters: [], withdrawn: ["b"] });
    expect(mesh.frames("a", "share").at(-1)).toEqual({ type: "share", on: false });
  });

  it("hear what another shares as it changes, and all of it when they ask", () => {
    const mesh = new Mesh();
    mesh.greet("a");
    mesh.greet("b");
    mesh.share("a", hash("1"), [item("x"), item("y")]);
    mesh.share("a", hash("2"), [item("z")], { from: hash("1"), removed: ["x"] });
    const heard = mesh.frames("b", "elsewhere");
    expect(heard).toMatchObject([
      { agent: "a", version: hash("1"), upserted: [item("x"), item("y")] },
      { agent: "a", from: hash("1"), version: hash("2"), removed: ["x"] },
    ]);
    mesh.greet("c");
    expect(mesh.frames("c", "clusters")[0]?.clusters).toMatchObject([
      { agent: "a", version: hash("2") },
      { agent: "b" },
    ]);
    mesh.say("c", { type: "want", agent: "a" });
    expect(mesh.frames("c", "elsewhere")).toMatchObject([
      { version: hash("2"), upserted: [item("y"), item("z")] },
    ]);
    expect(mesh.frames("a", "elsewhere")).toEqual([]);
  });

  it("are asked for all when something was missed, and keep what was there until it comes", () => {
    const mesh = new Mesh();
    mesh.greet("a");
    mesh.greet("b");
    mesh.share("a", hash("1"), [item("x")]);
    mesh.share("a", hash("3"), [item("y")], { from: hash("2") });
    expect(mesh.frames("a", "share").at(-1)).toEqual({ type: "share", on: true });
    expect([...(mesh.state.clusters.get("a")?.set.items.keys() ?? [])]).toEqual(["x"]);
    expect(mesh.frames("b", "elsewhere")).toHaveLength(1);
  });

  it("share by one replica, and by the next when it goes, which need not say again what is known", () => {
    const mesh = new Mesh();
    mesh.greet("a~1", "a");
    mesh.greet("a~2", "a");
    mesh.greet("b");
    expect(mesh.frames("a~2", "share")).toEqual([]);
    mesh.share("a~1", hash("1"), [item("x")]);
    mesh.share("a~2", hash("9"), []);
    mesh.gone("a~1");
    expect(mesh.frames("a~2", "share")).toEqual([{ type: "share", on: true, version: hash("1") }]);
    expect(mesh.frames("b", "elsewhere")).toHaveLength(1);
    mesh.now += TTL;
    mesh.step({ type: "tick" });
    expect(mesh.frames("b", "clusters").at(-1)?.withdrawn).toEqual([]);
  });

  it("end with the same, whatever came before: who is withdrawn was never there, and who is there is heard whole", () => {
    const ids = ["a", "b", "c"];
    const action = fc.oneof(
      fc.record({ do: fc.constant("greet" as const), id: fc.constantFrom(...ids) }),
      fc.record({ do: fc.constant("gone" as const), id: fc.constantFrom(...ids) }),
      fc.record({
        do: fc.constant("change" as const),
        id: fc.constantFrom(...ids),
        key: fc.constantFrom("x", "y", "z"),
        port: fc.integer({ min: 0, max: 3 }),
      }),
      fc.record({ do: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: TTL }) }),
    );
    fc.assert(
      fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
        const mesh = new Mesh();
        const agents = new Map(ids.map((id) => [id, new Agent(mesh, id)]));
        const deliver = () => {
          for (let moved = true; moved;)
            moved = [...agents.values()].map((agent) => agent.read()).some(Boolean);
        };
        for (const each of actions) {
          if (each.do === "wait") mesh.now += each.ms;
          else if (each.do === "change") agents.get(each.id)?.change(each.key, each.port);
          else agents.get(each.id)?.[each.do]();
          deliver();
          mesh.step({ type: "tick" });
          deliver();
        }
        const there = [...agents.values()].filter(({ online }) => online);
        mesh.now += TTL;
        mesh.step({ type: "tick" });
        deliver();
        for (const agent of there) {
          const others = there.filter((other) => other !== agent);
          expect(Object.fromEntries(agent.knows())).toEqual(
            Object.fromEntries(others.map((other) => [other.id, Object.fromEntries(other.items)])),
          );
        }
      }),
      { numRuns: 300 },
    );
  });
});

/** What an agent does, without its machinery. */
class Agent {
  readonly items = new Map<string, SharedItem>();
  readonly #sets = new Map<string, SharedSet>();
  online = false;
  #told: string | undefined | null = null;
  #read = 0;
  readonly mesh: Mesh;
  readonly id: string;
  constructor(mesh: Mesh, id: string) {
    this.mesh = mesh;
    this.id = id;
  }
  greet() {
    if (this.online) this.gone();
    this.#told = null;
    this.#read = 0;
    this.online = true;
    this.mesh.greet(this.id);
  }
  gone() {
    if (this.online) this.mesh.gone(this.id);
    this.online = false;
  }
  change(key: string, port: number) {
    if (port === 0) this.items.delete(key);
    else this.items.set(key, item(key, port));
    this.tell();
  }
  version() {
    const entries = [...this.items].map(
      ([key, each]) => `${key}${(each as { port: number }).port}`,
    );
    return hash(`v${entries.toSorted().join("")}`);
  }
  tell() {
    if (!this.online || this.#told === null || this.#told === this.version()) return;
    const version = this.version();
    // Everything goes from one version to the next: what is gone is named.
    const removed = ["x", "y", "z"].filter((key) => !this.items.has(key));
    const from = this.#told === undefined ? {} : { from: this.#told, removed };
    this.mesh.share(this.id, version, [...this.items.values()], from);
    this.#told = version;
  }
  read(): boolean {
    if (!this.online) return false;
    const frames = this.mesh.sent.get(this.id) ?? [];
    const fresh = frames.slice(this.#read);
    this.#read = frames.length;
    for (const frame of fresh) this.hear(frame);
    return fresh.length > 0;
  }
  hear(frame: PlaneFrame) {
    if (frame.type === "share") {
      this.#told = frame.on ? frame.version : null;
      this.tell();
    } else if (frame.type === "clusters") {
      const named = new Set(frame.clusters.map(({ agent }) => agent));
      for (const agent of this.#sets.keys()) if (!named.has(agent)) this.#sets.delete(agent);
      for (const { agent, version } of frame.clusters) {
        const set = this.#sets.get(agent) ?? nothingShared;
        this.#sets.set(agent, set);
        if (version && version !== set.version) this.mesh.say(this.id, { type: "want", agent });
      }
    } else if (frame.type === "elsewhere") {
      const [set, lost] = withPart(this.#sets.get(frame.agent) ?? nothingShared, frame);
      this.#sets.set(frame.agent, set);
      if (lost) this.mesh.say(this.id, { type: "want", agent: frame.agent });
    }
  }
  knows() {
    return [...this.#sets].map(([agent, { items }]) => [agent, Object.fromEntries(items)] as const);
  }
}
