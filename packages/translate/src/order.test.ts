/** Properties of the translation as a whole, over random meshes and random changes of them. */
import { canonical, merge } from "@heddle/envoy";
import { type MeshObject, objectKey } from "@heddle/model";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  destinationRule as destinationRuleOf,
  object,
  virtualService,
} from "../../../test/harness/objects.ts";
import { createTranslator, type ProxyView, type Translator } from "./index.ts";
import { dangling } from "./testing/dangling.ts";
import { danglingRoutes } from "./testing/dangling-routes.ts";
import { ANY_MESH } from "./testing/mesh.ts";
import { history, PROXIES, someObject } from "./testing/random-mesh.ts";
import { changesTo, fromScratch, snapshot, started, TYPES, unique } from "./testing/snapshot.ts";

describe("translation", () => {
  it("gives after any sequence of changes what it gives from scratch", async () => {
    await fc.assert(
      fc.asyncProperty(history, async (batches) => {
        const { translator, views } = started();
        for (const { changes, read } of batches) {
          translator.apply(unique(changes));
          if (read) views.forEach(snapshot);
          else await translator.settled();
        }
        await translator.settled();
        const fresh = started();
        fresh.translator.apply(unique(batches.flatMap(({ changes }) => unique(changes))));
        expect(views.map(snapshot)).toEqual(fresh.views.map(snapshot));
        expect(translator.diagnostics()).toEqual([]);
      }),
      { numRuns: 150 },
    );
  }, 120_000);

  it("does not depend on the order of the input", () => {
    fc.assert(
      fc.property(
        fc
          .uniqueArray(someObject, { selector: objectKey, maxLength: 25 })
          .chain((objects) =>
            fc.tuple(
              fc.constant(objects),
              fc.shuffledSubarray(objects, { minLength: objects.length }),
            ),
          ),
        ([objects, shuffled]) => {
          expect(fromScratch(shuffled)).toEqual(fromScratch(objects));
        },
      ),
      { numRuns: 100 },
    );
  });

  it("tells listeners of every name whose value changed", async () => {
    await fc.assert(
      fc.asyncProperty(history, async (batches) => {
        const { translator, views } = started();
        const copies = views.map(follow);
        for (const { changes } of batches) translator.apply(unique(changes));
        await translator.settled();
        for (const { changes } of batches.toReversed()) {
          translator.apply(unique(changes));
          await translator.settled();
        }
        views.forEach((view, i) => {
          for (const type of TYPES) {
            expect(copies[i]?.get(type) ?? new Map()).toEqual(new Map(view.resources(type)));
          }
        });
      }),
      { numRuns: 60 },
    );
  });

  it("routes to clusters that the same proxy holds", () => {
    fc.assert(
      fc.property(fc.array(someObject, { maxLength: 25 }), fc.boolean(), (random, subsets) => {
        const all = subsets
          ? [...random.filter(({ kind }) => kind !== "DestinationRule"), versions]
          : random;
        const objects = [...new Map(all.map((each) => [objectKey(each), each])).values()];
        const { translator, views } = started();
        translator.apply(changesTo(objects));
        for (const view of views) {
          expect(danglingRoutes(view, objects), view.proxy.id).toEqual([]);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("frees every derivation when its last view goes", async () => {
    await fc.assert(
      fc.asyncProperty(history, async (batches) => {
        const { translator, views } = started();
        for (const { changes } of batches) translator.apply(unique(changes));
        const [kept, ...dropped] = views;
        kept?.resources("cluster");
        await translator.settled();
        for (const view of dropped) view.dispose();
        await translator.settled();
        const alone = createTranslator({ mesh: ANY_MESH, envoyApi: { canonical, merge } });
        alone.apply(unique(batches.flatMap(({ changes }) => unique(changes))));
        alone.view(PROXIES[0] as (typeof PROXIES)[number]);
        await alone.settled();
        expect(aliveByName(translator)).toEqual(aliveByName(alone));
        kept?.dispose();
        await translator.settled();
        expect(translator.stats().alive).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  it("leaves no reference between the resources of a proxy open", () => {
    fc.assert(
      fc.property(fc.array(someObject, { maxLength: 25 }), (random) => {
        const { translator, views } = started();
        translator.apply(unique(changesTo(random)));
        for (const view of views) expect(dangling(view), view.proxy.id).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  it("decides between two rules for a host by age, then by name, whatever came first", () => {
    const answer = (name: string, creationTimestamp: string) => ({
      ...virtualService(
        name,
        { hosts: ["one"], http: [{ directResponse: { status: 200, body: { string: name } } }] },
        "a",
      ),
      metadata: { name, namespace: "a", labels: {}, annotations: {}, creationTimestamp },
    });
    const [old, young] = ["2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"];
    const host = object(
      "v1",
      "Service",
      "one",
      { clusterIP: "10.9.0.1", ports: [{ name: "http", port: 80 }] },
      "a",
    );
    const decided = (objects: readonly MeshObject[]) =>
      [...JSON.stringify(fromScratch(objects)).matchAll(/"inlineString":"(\w+)"/g)].map(
        ([, name]) => name,
      );
    fc.assert(
      fc.property(
        fc.shuffledSubarray([host, answer("z", old), answer("b", young), answer("c", young)], {
          minLength: 4,
        }),
        (objects) => {
          expect(new Set(decided(objects))).toEqual(new Set(["z"]));
          const alike = objects.filter((each) => each.metadata.name !== "z");
          expect(new Set(decided(alike))).toEqual(new Set(["b"]));
        },
      ),
    );
  });
});

/** A copy that is kept by nothing but what listeners are told. */
function follow(view: ProxyView): Map<string, Map<string, unknown>> {
  const copy = new Map<string, Map<string, unknown>>();
  view.subscribe((types, names) => {
    for (const type of types) {
      const known = copy.get(type) ?? new Map<string, unknown>();
      copy.set(type, known);
      const held = view.resources(type);
      for (const each of names.get(type) ?? []) {
        if (held.has(each)) known.set(each, held.get(each));
        else known.delete(each);
      }
    }
  });
  return copy;
}

function aliveByName(translator: Translator): Record<string, number> {
  return Object.fromEntries(
    Object.entries(translator.stats().byName)
      .map(([each, { alive }]) => [each, alive] as const)
      .filter(([, alive]) => alive > 0)
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
}

const versions = destinationRuleOf(
  "versions",
  {
    host: "one",
    subsets: ["v1", "v2"].map((version) => ({ name: version, labels: { version } })),
  },
  "a",
);
