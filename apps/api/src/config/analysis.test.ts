import { parseObject, type MeshObject } from "@heddle/model";
import { describe, expect, it } from "vitest";
import { rule, ruleKey } from "../testing/planes.ts";
import {
  carryIndex,
  findingsAbout,
  findingsOf,
  newFindings,
  type AnalysisView,
} from "./analysis.ts";
import { stateAfter } from "./commit.ts";
import type { MeshState } from "./state.ts";

const view: AnalysisView = {
  strict: false,
  force: false,
  settings: {},
  cluster: { version: "", owners: new Map(), services: [], found: new Map() },
};

const empty: MeshState = { revision: 0, headHash: "", entries: new Map() };

/** The state after these documents are put or, where null, deleted. */
function after(
  before: MeshState,
  documents: Record<string, Record<string, unknown> | null>,
): MeshState {
  const changes = Object.entries(documents).map(([key, document]) => ({
    key,
    action: "configured" as const,
    before: null,
    after: document,
    beforeHash: null,
    afterHash: document && key,
    owner: "hosted",
  }));
  return stateAfter(before, changes, before.revision + 1);
}

const subsets = (...names: string[]) => ({
  apiVersion: "networking.istio.io/v1",
  kind: "DestinationRule",
  metadata: { name: "a", namespace: "default" },
  spec: { host: "a", subsets: names.map((name) => ({ name, labels: { version: name } })) },
});
const subsetsKey = "networking.istio.io/DestinationRule/default/a";

describe("findings of a write", () => {
  it("are those of a whole analysis, also from an index that was carried along", () => {
    let state = empty;
    const steps: Record<string, Record<string, unknown> | null>[] = [
      { [ruleKey("a")]: rule("a"), [subsetsKey]: subsets("v1", "v2") },
      { [ruleKey("a")]: rule("a", "v9") },
      { [ruleKey("b")]: { ...rule("a"), metadata: { name: "b", namespace: "default" } } },
      { [ruleKey("a")]: null },
      { [subsetsKey]: null },
      { [ruleKey("c")]: rule("c") },
    ];
    for (const step of steps) {
      const next = after(state, step);
      findingsAbout(state, view, []);
      carryIndex(state, next, Object.keys(step));
      state = next;
      expect(findingsAbout(state, view, state.entries.keys())).toEqual(findingsOf(state, view));
    }
  });

  it("name what a deletion leaves dangling elsewhere, and not what was there before", () => {
    const before = after(empty, {
      [ruleKey("a")]: rule("a"),
      [ruleKey("other")]: rule("other"),
      [subsetsKey]: subsets("v1"),
    });
    const next = after(before, { [subsetsKey]: null });
    const found = newFindings(before, next, new Set([subsetsKey]), new Map(), view);
    expect(found.map(({ code, origin }) => `${code} ${origin}`)).toEqual([
      "IST0101 VirtualService default/a",
    ]);
  });

  it("leave the state's own index as it was", () => {
    const before = after(empty, { [ruleKey("a")]: rule("a"), [subsetsKey]: subsets("v1") });
    const clean = findingsAbout(before, view, before.entries.keys());
    const next = after(before, {
      [ruleKey("a")]: rule("a", "none"),
      [ruleKey("z")]: rule("z", "none"),
    });
    const changed = new Set([ruleKey("a"), ruleKey("z")]);
    expect(newFindings(before, next, changed, new Map(), view)).toHaveLength(2);
    expect(findingsAbout(before, view, next.entries.keys())).toEqual(clean);
  });

  it("carry the file's line where the request had files", () => {
    const object = parseObject(rule("a", "none")).object as MeshObject;
    const next = after(empty, { [ruleKey("a")]: rule("a", "none") });
    const sources = new Map([
      [ruleKey("a"), { object, source: { file: "a.yaml", line: 1, lineOf: () => 9 } }],
    ]);
    const [found] = newFindings(empty, next, new Set([ruleKey("a")]), sources, view);
    expect(found?.reference).toBe("a.yaml:9");
  });
});
