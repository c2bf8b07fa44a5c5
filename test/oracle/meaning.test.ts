/** The oracle sees what rules ask for, and what is not as they ask. */
import { describe, expect, test } from "vitest";
import type { Arrived } from "./applications.ts";
import { firstState } from "./changes.ts";
import { type Ask, expected } from "./meaning.ts";
import type { RulesState } from "./state.ts";
import type { Answered } from "./traffic.ts";
import { judge, type Step } from "./verdict.ts";

const NOBODY: Arrived = { front: new Set(), reviews: new Set() };
const ASK: Ask = { method: "GET", host: "a.test", path: "/one/a", query: "q=12", headers: {} };
const base = firstState();
const edge = (...rules: RulesState["edge"][string][number][number][]): RulesState => ({
  ...base,
  edge: { "a.test": [rules] },
});
const toFront = { route: [{ destination: { host: "front" } }] };
const statuses = (states: readonly RulesState[], ask: Partial<Ask> = {}) =>
  new Set(expected(states, { ...ASK, ...ask }).outcomes.map(({ status }) => status));

describe("the oracle", () => {
  test("expects the first rule that takes a request, and 404 where none does", () => {
    const rules = edge(
      { match: [{ uri: { prefix: "/two" } }], directResponse: { status: 410 } },
      { match: [{ uri: { exact: "/one/a" } }], redirect: { authority: "left.test" } },
    );
    expect(expected([rules], ASK).outcomes).toEqual([
      { status: 301, location: "http://left.test/one/a?q=12", atLeastMs: 0 },
    ]);
    expect(statuses([rules], { path: "/one/b" })).toEqual(new Set([404]));
    expect(statuses([rules], { host: "b.test" })).toEqual(new Set([404]));
  });

  test("expects no rule in the mesh where none concerns the client, and 404 where one does that takes nothing", () => {
    const to = (app: string, path = "/") => ({
      match: [{ sourceLabels: { app }, uri: { prefix: path } }],
      directResponse: { status: 410 },
    });
    const inMesh = (...mesh: NonNullable<RulesState["mesh"]>): RulesState => ({
      ...edge(toFront),
      mesh,
    });
    expect(statuses([inMesh(to("other"))])).toEqual(new Set([200]));
    expect(statuses([inMesh(to("other"), to("front", "/two"))])).toEqual(new Set([404]));
    expect(statuses([inMesh(to("other"), to("front"))])).toEqual(new Set([410]));
  });

  test("expects what either rules say while one takes the other's place", () => {
    const gone = edge({ directResponse: { status: 410 } });
    expect(statuses([edge(toFront), gone])).toEqual(new Set([200, 410]));
  });

  test("expects a retried request to succeed, and one that is not to fail", () => {
    const headers = { "x-o-behave": "flaky" };
    const retried = edge({ ...toFront, retries: { attempts: 1, retryOn: "503" } });
    expect(statuses([retried], { headers })).toEqual(new Set([200]));
    expect(statuses([edge(toFront)], { headers })).toEqual(new Set([503]));
  });

  test("expects time-outs where the application is slower than the rule", () => {
    const headers = { "x-o-behave": "slow" };
    expect(statuses([edge({ ...toFront, timeout: "400ms" })], { headers })).toEqual(new Set([504]));
    expect(statuses([edge({ ...toFront, timeout: "5s" })], { headers })).toEqual(new Set([200]));
  });

  test("expects only endpoints of the subset", () => {
    const mesh: RulesState = {
      ...edge(toFront),
      mesh: [{ route: [{ destination: { host: "reviews", subset: "v2" } }] }],
      reviews: { subsets: { v2: { version: "v2" } }, balancer: undefined, subsetBalancer: {} },
    };
    const names = expected([mesh], ASK).outcomes.flatMap(({ seen }) => [...(seen?.names ?? [])]);
    expect(names).toEqual(["v2"]);
  });

  test("takes an old rule's answer for a request that was sent before the new one was in force, and for no later one", () => {
    const gone = edge({ directResponse: { status: 410 } });
    const still = edge({ directResponse: { status: 203 } });
    const steps: Step[] = [
      { what: "the beginning", state: gone, begun: 0, applied: 0 },
      { what: "a change", state: still, begun: 100, applied: 150 },
    ];
    const answer = (sent: number, status: number): Answered => ({
      ask: ASK,
      sent,
      done: sent + 10,
      status,
      location: "",
      body: "",
      frontHost: "",
      headers: {},
    });
    const wrong = (sent: number, status: number) =>
      judge(steps, [answer(sent, status)], NOBODY).unexpected.length > 0;
    expect(wrong(50, 410)).toBe(false);
    expect(wrong(50, 203)).toBe(true);
    expect(wrong(120, 410)).toBe(false);
    expect(wrong(120, 203)).toBe(false);
    expect(wrong(160, 410)).toBe(true);
    expect(wrong(160, 203)).toBe(false);
    expect(wrong(120, 503)).toBe(true);
  });

  test("takes a late time-out for slowness of the machine only where the request has come through", () => {
    const quick = edge({ ...toFront, timeout: "400ms" });
    const steps: Step[] = [{ what: "the beginning", state: quick, begun: 0, applied: 0 }];
    const seen = new Set(["7"]);
    const verdict = (took: number, arrived: Partial<Arrived>, frontHost = "") => {
      const answer: Answered = {
        ...{ ask: { ...ASK, headers: { "x-o-id": "7" } }, sent: 0, done: took, status: 504 },
        ...{ location: "", body: "", frontHost, headers: {} },
      };
      const { slow, unexpected } = judge(steps, [answer], { ...NOBODY, ...arrived });
      return { slow, unexpected: unexpected.length };
    };
    const slowness = { slow: 1, unexpected: 0 };
    const defect = { slow: 0, unexpected: 1 };
    expect(verdict(400, { front: seen })).toEqual(slowness);
    expect(verdict(100, { front: seen })).toEqual(defect);
    expect(verdict(400, {})).toEqual(defect);
    expect(verdict(400, { front: seen }, "a.test")).toEqual(defect);
    expect(verdict(400, { front: seen, reviews: seen }, "a.test")).toEqual(slowness);
  });
});
