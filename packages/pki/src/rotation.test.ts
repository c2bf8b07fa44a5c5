/** Rotation as a model: however late agents and proxies follow, and wherever it is aborted, each takes every other one's certificate. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  afterStep,
  type Follower,
  holdersOf,
  inForce,
  reversed,
  type Rotation,
} from "./rotation.ts";

const ROOTS: Readonly<Record<string, string>> = { A: "root A", B: "root B" };

interface Proxy {
  agent: number;
  roots: readonly string[];
  issuer: string;
}

/** A mesh whose agents hear of a step at any time, and whose proxies take what their agent has at any time after. */
class Mesh {
  rotation: Rotation | undefined = { from: "A", to: "B", step: "trusting" };
  backwards = false;
  outcome: string | undefined;
  readonly agents = [0, 1].map(() => ({ connected: true, issuer: "root A", roots: ["root A"] }));
  readonly proxies: Proxy[] = [0, 0, 1, 1].map((agent) => ({
    ...{ agent, roots: ["root A"], issuer: "root A" },
  }));

  force() {
    const { rotation, outcome } = this;
    return rotation
      ? inForce(rotation)
      : { issuer: outcome === "aborted" ? "A" : "B", trusted: [outcome === "aborted" ? "A" : "B"] };
  }
  followers(): Follower[] {
    return this.agents.map((agent, index) => ({
      ...{ agent: `a${index}`, connected: agent.connected, able: true },
      said: { issuer: agent.issuer, roots: agent.roots, missing: [] },
      proxies: this.proxies
        .filter((proxy) => proxy.agent === index)
        .map((proxy, n) => {
          const pending =
            proxy.issuer !== agent.issuer || proxy.roots.join() !== agent.roots.join();
          return { name: `p${index}${n}`, held: { ...proxy, pending } };
        }),
    }));
  }
  advance() {
    if (!this.rotation) return;
    const { from, to, step } = this.rotation;
    const roots = { from: ROOTS[from] ?? "", to: ROOTS[to] ?? "" };
    if (holdersOf(step, roots, this.followers()).length > 0) return;
    const next = afterStep(step);
    if (next) this.rotation = { from, to, step: next };
    else {
      this.rotation = undefined;
      this.outcome = this.backwards ? "aborted" : "completed";
    }
  }
  abort() {
    if (!this.rotation) return;
    this.rotation = reversed(this.rotation);
    this.backwards = !this.backwards;
  }
  /** An agent hears what is in force: it trusts before it signs. */
  hear(index: number) {
    const agent = this.agents[index];
    if (!agent?.connected) return;
    const { issuer, trusted } = this.force();
    agent.roots = trusted.map((each) => ROOTS[each] ?? "");
    agent.issuer = ROOTS[issuer] ?? "";
  }
  follow(index: number) {
    const proxy = this.proxies[index];
    const agent = this.agents[proxy?.agent ?? 0];
    if (!proxy || !agent) return;
    proxy.roots = agent.roots;
    proxy.issuer = agent.issuer;
  }
  /** Pairs of which one does not take the other's certificate. */
  broken() {
    const parties = [...this.proxies, ...this.agents];
    return parties.flatMap((one) =>
      parties.filter((other) => !other.roots.includes(one.issuer)).map((other) => ({ one, other })),
    );
  }
}

type Act =
  | { act: "advance" | "abort" }
  | { act: "hear" | "follow" | "away" | "back"; index: number };

const index = fc.nat({ max: 3 });
const acts: fc.Arbitrary<Act> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Act>({ act: "advance" }) },
  { weight: 1, arbitrary: fc.constant<Act>({ act: "abort" }) },
  ...(["hear", "follow"] as const).map((act) => ({
    weight: 6,
    arbitrary: index.map((each): Act => ({ act, index: each })),
  })),
  ...(["away", "back"] as const).map((act) => ({
    weight: 1,
    arbitrary: index.map((each): Act => ({ act, index: each })),
  })),
);

function perform(mesh: Mesh, act: Act): void {
  const agent = "index" in act ? mesh.agents[act.index] : undefined;
  if (act.act === "advance") mesh.advance();
  else if (act.act === "abort") mesh.abort();
  else if (act.act === "hear") mesh.hear(act.index);
  else if (act.act === "follow") mesh.follow(act.index);
  else if (agent) agent.connected = act.act === "back";
}

describe("a rotation", () => {
  it("never leaves two parties that do not take each other's certificates, whatever happens in whatever order", () => {
    fc.assert(
      fc.property(fc.array(acts, { maxLength: 120 }), (sequence) => {
        const mesh = new Mesh();
        for (const act of sequence) {
          perform(mesh, act);
          expect(mesh.broken()).toEqual([]);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it("ends wherever it was left, as soon as everybody is there and follows: in the new root, or aborted in the old one", () => {
    fc.assert(
      fc.property(fc.array(acts, { maxLength: 60 }), (sequence) => {
        const mesh = new Mesh();
        for (const act of sequence) perform(mesh, act);
        for (const agent of mesh.agents) agent.connected = true;
        for (let round = 0; round < 4; round++) {
          for (const each of [0, 1]) mesh.hear(each);
          for (const each of [0, 1, 2, 3]) mesh.follow(each);
          mesh.advance();
        }
        expect(mesh.rotation).toBeUndefined();
        const end = mesh.outcome === "aborted" ? "root A" : "root B";
        for (const each of [0, 1]) mesh.hear(each);
        for (const each of [0, 1, 2, 3]) mesh.follow(each);
        for (const proxy of mesh.proxies)
          expect(proxy).toMatchObject({ issuer: end, roots: [end] });
      }),
      { numRuns: 500 },
    );
  });

  it("is held by who is away, silent, too old or late, each named with the reason", () => {
    const roots = { from: "root A", to: "root B" };
    const held = { roots: ["root A"], issuer: "root A", pending: false };
    const said = { roots: ["root B", "root A"], issuer: "root A", missing: ["p9"] };
    const able = { connected: true, able: true };
    const holders = holdersOf("trusting", roots, [
      { agent: "away", connected: false, able: true, said, proxies: [] },
      { agent: "old", connected: true, able: false, said: undefined, proxies: [] },
      { agent: "new", ...able, said: undefined, proxies: [] },
      {
        ...{ agent: "late", ...able, said },
        proxies: [
          { name: "p1", held },
          { name: "p2", held: { ...held, roots: said.roots } },
          { name: "p3", held: { ...held, roots: said.roots, pending: true } },
          { name: "p4" },
          { name: "p5", held: { pending: false } },
        ],
      },
    ]);
    expect(holders.map(({ agent, proxy }) => [agent, proxy])).toEqual([
      ["away", undefined],
      ["old", undefined],
      ["new", undefined],
      ["late", "p9"],
      ["late", "p1"],
      ["late", "p3"],
      ["late", "p4"],
    ]);
  });

  it("between two intermediates of one root waits for nobody who trusts that root", () => {
    const follower = {
      ...{ agent: "a", connected: true, able: true },
      said: { roots: ["r"], issuer: "r", missing: [] },
      proxies: [{ name: "p", held: { roots: ["r"], issuer: "r", pending: false } }],
    };
    for (const step of ["trusting", "reissuing", "withdrawing"] as const)
      expect(holdersOf(step, { from: "r", to: "r" }, [follower])).toEqual([]);
  });
});
