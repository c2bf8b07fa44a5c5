/** Ten thousand random changes of a mesh, one after the other: it is at every moment what it would be from scratch. */
import type { MeshObject } from "@heddle/model";
import type { Change, Cohort } from "@heddle/translate";
import fc from "fast-check";
import { expect, test } from "vitest";
import { dangling } from "../../packages/translate/src/testing/dangling.ts";
import { danglingRoutes } from "../../packages/translate/src/testing/dangling-routes.ts";
import { change } from "../../packages/translate/src/testing/random-mesh.ts";
import { snapshot, started } from "../../packages/translate/src/testing/snapshot.ts";

const OPERATIONS = 10_000;
/** The changes in between come together. */
const LOOKED_AT_EVERY = 7;
/** From scratch costs as much as a hundred changes. */
const COMPARED_EVERY = 50;
/** A mesh that only grows is not what changes are about: these many objects, and the oldest go. */
const MOST_OBJECTS = 60;

const seed = Number(process.env["HEDDLE_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

test(`${OPERATIONS} operations, seed ${seed}`, async () => {
  const { translator, views } = started();
  const changes = fc.sample(change, { numRuns: OPERATIONS, seed });
  const model = new Map<string, Change>();
  let compared = 0;
  for (const [index, each] of changes.entries()) {
    const batch = [each];
    model.delete(each.key);
    model.set(each.key, each);
    if (model.size > MOST_OBJECTS) {
      const [oldest = ""] = model.keys();
      model.delete(oldest);
      batch.push({ key: oldest, object: null, candidate: null });
    }
    translator.apply(batch);
    if (index % LOOKED_AT_EVERY === 0) {
      for (const view of views) {
        snapshot(view);
        expect(dangling(view), `after ${index} operations`).toEqual([]);
        const objects = seenBy(view.proxy.cohort, model.values());
        expect(danglingRoutes(view, objects), `after ${index} operations`).toEqual([]);
      }
    }
    if (index % COMPARED_EVERY > 0) continue;
    await translator.settled();
    const fresh = started();
    fresh.translator.apply([...model.values()]);
    for (const [at, view] of views.entries()) {
      expect(snapshot(view), `after ${index} operations`).toEqual(snapshot(fresh.views[at]!));
    }
    for (const view of fresh.views) view.dispose();
    expect(translator.diagnostics()).toEqual([]);
    compared++;
  }
  console.log(`seed ${seed}: ${OPERATIONS} operations, compared ${compared} times`);
});

/** Candidates see what is staged in the place of what is there. */
function seenBy(cohort: Cohort, values: Iterable<Change>): readonly MeshObject[] {
  return Array.from(values, ({ object, candidate = object }) =>
    cohort === "candidate" ? candidate : object,
  ).filter((each) => each !== null) as MeshObject[];
}
