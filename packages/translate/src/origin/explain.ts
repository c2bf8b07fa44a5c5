/** From a proxy's resource to the objects that it was made from, and from an object to the resources that it became. */
import { dependentsOf } from "../engine/dependents.ts";
import { SharedValue } from "../engine/shared-value.ts";
import type { ModelReader } from "../read.ts";
import type { Part, ResourceSet, ResourceType } from "../view/resource-set.ts";
import { readId } from "./recording.ts";
import { Trace } from "./trace.ts";

/** What a view is made of. */
export interface TracedLayers {
  readonly read: ModelReader;
  readonly layers: readonly TracedLayer[];
}

export interface TracedLayer {
  readonly set: ResourceSet;
  /** A part of the set by its place, made to read through another reader. */
  readonly partOf: (read: ModelReader, index: number) => Part | undefined;
}

export interface NamedResource {
  readonly type: ResourceType;
  readonly name: string;
}

/** Sorted; empty for a resource that is not there or that no object decides. */
export function originsOf(
  { read, layers }: TracedLayers,
  type: ResourceType,
  name: string,
): readonly string[] {
  for (const { set, partOf } of layers) {
    const index = set.partOf(type, name);
    if (index < 0) continue;
    const trace = new Trace(read);
    const part = trace.part((reader) => partOf(reader, index) ?? NO_PART);
    const emitted = part.emitted.find((each) => each.type === type && each.name === name);
    return emitted ? [...trace.originsOf(part, emitted.value)].toSorted() : [];
  }
  return [];
}

/** Answers for several views which of their resources were made from one object; what they share is looked at once. */
export function createEffectQuestion(key: string, answers: Iterable<object>) {
  const readers = dependentsOf(answers);
  const reached = new Set<string>();
  for (const reader of readers) {
    if (reader instanceof SharedValue) reached.add(readId(reader.family.name, reader.keyText));
  }
  const traces = new Map<ModelReader, { trace: Trace; answers: Map<string, boolean> }>();
  const known = new Map<ResourceSet, readonly NamedResource[]>();

  function ofLayer(read: ModelReader, { set, partOf }: TracedLayer): readonly NamedResource[] {
    const found: NamedResource[] = [];
    const kept = traces.get(read) ?? { trace: new Trace(read), answers: new Map() };
    traces.set(read, kept);
    const question = { key, reached, answers: kept.answers };
    for (const index of set.partsAmong(readers)) {
      const part = kept.trace.part((reader) => partOf(reader, index) ?? NO_PART);
      for (const { type, name, value } of part.emitted) {
        if (value === undefined || !set.get(type).has(name)) continue;
        if (kept.trace.dependsOn(part, value, question)) found.push({ type, name });
      }
    }
    return found;
  }

  return ({ read, layers }: TracedLayers): NamedResource[] =>
    layers.flatMap((layer) => {
      const before = known.get(layer.set);
      if (before) return [...before];
      const found = ofLayer(read, layer);
      known.set(layer.set, found);
      return [...found];
    });
}

const NO_PART: Part = () => {};
