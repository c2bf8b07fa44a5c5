/** What is told of a change: from the objects that changed, by the reads that made things run, to the proxies. */
import { type MeshObject, objectKey } from "@heddle/model";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  destinationRule,
  object,
  pod,
  service,
  virtualService,
} from "../../../../../test/harness/objects.ts";
import { createTranslator, parseNode, type RecordedStep, type Translator } from "../../index.ts";
import { ANY_MESH } from "../../testing/mesh.ts";
import { change } from "../../testing/random-mesh.ts";
import { started } from "../../testing/snapshot.ts";
import { ChangeRecorder } from "./change-recorder.ts";

const HTTP = [{ name: "http", port: 80 }];
const PROXIES = 4;

const put = async (translator: Translator, ...objects: readonly MeshObject[]) => {
  translator.apply(objects.map((each) => ({ key: objectKey(each), object: each })));
  await translator.settled();
};

/** Services s0 to s3, and a proxy of each. */
async function mesh(): Promise<Translator> {
  const translator = createTranslator({ mesh: ANY_MESH });
  const objects = Array.from({ length: PROXIES }, (_, i) => [
    pod({ name: `p${i}`, address: `10.1.0.${i}`, labels: { app: `p${i}` } }),
    ...service(`s${i}`, HTTP, [`10.1.0.${i}`], { clusterIP: `10.0.0.${i}` }),
  ]);
  await put(translator, ...objects.flat());
  for (let i = 0; i < PROXIES; i++)
    translator.view(
      parseNode({
        id: `sidecar~10.1.0.${i}~p${i}.default~default.svc.cluster.local`,
        metadata: { LABELS: { app: `p${i}` } },
      }),
    );
  await translator.settled();
  return translator;
}

const rule = (timeout: string) =>
  virtualService("s1", {
    hosts: ["s1"],
    http: [{ route: [{ destination: { host: "s1" } }], timeout }],
  });

/** Names from a step down, each path once. */
function paths(steps: readonly RecordedStep[], above = ""): string[] {
  return steps.flatMap(({ name, steps: inner }) => {
    const path = `${above}${name}`;
    return inner.length === 0 ? [path] : paths(inner, `${path} > `);
  });
}

function stepOf(steps: readonly RecordedStep[], name: string): RecordedStep | undefined {
  for (const step of steps) {
    const found = step.name === name ? step : stepOf(step.steps, name);
    if (found) return found;
  }
  return undefined;
}

describe("a change of one rule", () => {
  it("is a path from the rule, by what was read, to the routes of every proxy", async () => {
    const translator = await mesh();
    await put(translator, rule("1s"));
    await put(translator, rule("2s"));
    const change = translator.changes().at(-1)!;
    expect(change).toMatchObject({
      objects: ["networking.istio.io/VirtualService/default/s1"],
      ...{ objectCount: 1, applied: 1, views: PROXIES, unlisted: 0 },
    });
    const found = paths(change.steps);
    const rules = "networking.istio.io/VirtualService > ";
    expect(found).toContain(`${rules}model/object > form/rule-set`);
    expect(found).toContain(`${rules}model/virtual-service > route/host > route/virtual-host`);
    const own = stepOf(change.steps, "view/own")!;
    expect(own).toMatchObject({
      ...{ kind: "part", outcomes: { changed: PROXIES }, views: PROXIES },
      resources: { route: { count: PROXIES, names: ["80"] } },
    });
    const host = stepOf(change.steps, "route/host")!;
    expect(host.runs[0]).toMatchObject({ outcome: "changed", by: "s1.default.svc.cluster.local" });
    expect(change.computed).toBeLessThanOrEqual(change.took);
  });

  it("counts what ran as the engine does", async () => {
    const translator = await mesh();
    await put(translator, rule("1s"));
    translator.stats();
    await put(translator, rule("2s"));
    const { derivations } = translator.changes().at(-1)!;
    const ran = Object.values(derivations).reduce((sum, count) => sum + count, 0);
    expect(ran).toBe(translator.stats().recomputed);
    expect(ran).toBeGreaterThan(3);
  });

  it("says where it stopped", async () => {
    const translator = await mesh();
    await put(translator, rule("1s"));
    const spec = {
      hosts: ["s1"],
      http: [{ timeout: "1s", route: [{ destination: { host: "s1", port: { number: 80 } } }] }],
    };
    await put(translator, virtualService("s1", spec));
    await put(translator, virtualService("s1", spec));
    const again = translator.changes().at(-1)!;
    expect(again).toMatchObject({ derivations: {}, views: 0 });
    expect(stepOf(again.steps, "model/virtual-service")?.outcomes).toEqual({ equal: 1 });
    const written = stepOf(translator.changes().at(-2)!.steps, "route/host");
    expect(written?.outcomes).toEqual({ equal: 1 });
    expect(written?.steps).toEqual([]);
  });

  it("says what it failed for", async () => {
    const translator = await mesh();
    await put(translator, rule("1s"));
    await put(translator, rule("many"));
    const { derivations, steps } = translator.changes().at(-1)!;
    expect(derivations.failed).toBeGreaterThan(0);
    expect(stepOf(steps, "route/host")?.outcomes).toEqual({ failed: 1 });
  });
});

it("tells changes of different objects apart that came together", async () => {
  const translator = await mesh();
  const policy = destinationRule("s2", {
    host: "s2",
    trafficPolicy: { connectionPool: { tcp: { maxConnections: 3 } } },
  });
  for (const each of [rule("1s"), policy])
    translator.apply([{ key: objectKey(each), object: each }]);
  await translator.settled();
  const change = translator.changes().at(-1)!;
  expect(change).toMatchObject({ applied: 2, objectCount: 2 });
  const [rules, policies] = change.steps;
  expect(stepOf([rules!], "route/host")?.runs[0]?.key).toContain("s1.default");
  expect(stepOf([policies!], "cluster/outbound")?.runs[0]?.key).toContain("s2.default");
  expect(stepOf([policies!], "view/outbound")).toMatchObject({
    resources: { cluster: { names: ["outbound|80||s2.default.svc.cluster.local"] } },
    views: PROXIES,
  });
});

it("follows a setting of the mesh", async () => {
  const translator = await mesh();
  const settings = object("heddle.dev/v1", "MeshSettings", "mesh", { accessLog: false }, "");
  await put(translator, settings);
  const change = translator.changes().at(-1)!;
  const [step] = change.steps;
  expect(step?.name).toBe("heddle.dev/MeshSettings");
  const asked = stepOf(change.steps, "model/mesh");
  expect(asked?.runs.map(({ key }) => key)).toEqual(["accessLog"]);
  expect(stepOf(asked!.steps, "view/own")?.views).toBe(PROXIES);
  expect(change.views).toBe(PROXIES);
});

it("keeps nothing of proxies that come while nothing changes", async () => {
  const translator = await mesh();
  expect(translator.changes()).toHaveLength(1);
  expect(translator.changes()[0]).toMatchObject({ derivations: {}, views: 0 });
});

it("keeps the last twenty, and of a large one as much as it has room for", async () => {
  const translator = await mesh();
  for (let i = 1; i <= 25; i++) await put(translator, rule(`${i}s`));
  expect(translator.changes().map(({ number }) => number)).toEqual(
    Array.from({ length: 20 }, (_, i) => i + 7),
  );
  const many = Array.from({ length: 1_000 }, (_, i) =>
    service(`more-${i}`, HTTP, [`10.2.${i >> 8}.${i & 255}`]),
  ).flat();
  await put(translator, ...many);
  const large = translator.changes().at(-1)!;
  expect(large.objects).toHaveLength(20);
  expect(large.objectCount).toBe(many.length);
  expect(large.derivations.new).toBeGreaterThan(1_000);
  const { runs } = stepOf(large.steps, "cluster/outbound")!;
  expect(runs).toHaveLength(10);
  expect(large.unlisted).toBeGreaterThan(3_000);
  expect(JSON.stringify(large).length).toBeLessThan(200_000);
});

it("knows of every derivation that ran in a random mesh by what read it did", async () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const { translator } = started();
  await translator.settled();
  for (const each of fc.sample(change, { numRuns: 300, seed })) {
    translator.stats();
    translator.apply([each]);
    await translator.settled();
    const { derivations, steps } = translator.changes().at(-1)!;
    // What is staged, and settings by which indexes are made anew, have everything ask others than before.
    if (each.candidate !== undefined || each.key.includes("/MeshSettings/")) continue;
    const ran = Object.values(derivations).reduce((sum, count) => sum + count, 0);
    expect(ran, `seed ${seed}`).toBe(translator.stats().recomputed);
    const ofNoRead = steps
      .flatMap((step) => step.steps)
      .filter(({ kind, outcomes }) => kind === "derivation" && !outcomes.new);
    expect(ofNoRead, `seed ${seed}`).toEqual([]);
  }
});

describe("a recorder", () => {
  it("gives everything its own time, and to nothing that of what it asked for", () => {
    let now = 0;
    const recorder = new ChangeRecorder(() => now);
    const run = (name: string, isNew: boolean, inside: () => void) => {
      const running = recorder.begin("derivation", name, "", isNew);
      inside();
      recorder.end(running, isNew ? "new" : "changed", {});
    };
    recorder.apply(["core/Service/default/one"]);
    run("outer", false, () => {
      now += 5;
      run("inner", true, () => (now += 7));
      now += 1;
    });
    recorder.settled();
    const [change] = recorder.changes();
    expect(stepOf(change!.steps, "outer")).toMatchObject({ ms: 6 });
    expect(stepOf(change!.steps, "inner")).toMatchObject({ ms: 7 });
    expect(paths(change!.steps)).toEqual(["core/Service > outer > inner"]);
    expect(change).toMatchObject({ computed: 13, took: 13 });
  });

  it("has something new belong to what has asked for it, though it reads what has changed", () => {
    const recorder = new ChangeRecorder();
    const [object, answer] = ["core/Service/default/one", {}];
    recorder.apply([object]);
    recorder.answered(answer, "model/service", "one", "changed");
    const asking = recorder.begin("derivation", "asking", "a", false);
    recorder.read(answer, "one");
    const asked = recorder.begin("derivation", "asked", "b", true);
    recorder.read(answer, "one");
    recorder.end(asked, "new", {});
    recorder.end(asking, "changed", {});
    recorder.settled();
    const { steps } = recorder.changes()[0]!;
    expect(paths(steps)).toEqual(["core/Service > model/service > asking > asked"]);
    expect(stepOf(steps, "asked")?.runs).toMatchObject([{ key: "b", outcome: "new", by: "a" }]);
  });

  it("has room for so many steps, and puts the rest together", () => {
    const recorder = new ChangeRecorder();
    recorder.apply(["core/Service/default/one"]);
    for (let i = 0; i < 1_000; i++)
      recorder.end(recorder.begin("derivation", `d${i}`, "", false), "changed", {});
    recorder.settled();
    const [service] = recorder.changes()[0]!.steps;
    expect(service!.steps.length).toBeLessThanOrEqual(300);
    expect(service!.steps.at(-1)).toMatchObject({ name: "others" });
    expect(recorder.changes()[0]!.unlisted).toBeGreaterThan(600);
  });
});
