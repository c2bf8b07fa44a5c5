/** Leads from an Envoy resource back to the objects that it was made from, on demand: nothing is kept for it meanwhile. */
import { isPatchKey, patchedBy, unpatched } from "../patch/origins.ts";
import type { ModelReader } from "../read.ts";
import type { Emit, Part } from "../view/resource-set.ts";
import { isRegistryKey } from "./objects-in.ts";
import { type DerivedRead, record, type Recording } from "./recording.ts";

/** What one part of a view gives, and what it reads for that. */
export interface TracedPart {
  readonly recording: Recording;
  readonly emitted: readonly Emitted[];
  readonly values: ReadonlySet<unknown>;
}

export interface Emitted {
  readonly type: Parameters<Emit>[0];
  readonly name: string;
  readonly value: unknown;
}

/** Serves one question: what it has found stays until it is thrown away with it. */
export class Trace {
  readonly #read: ModelReader;
  readonly #recordings = new Map<string, Recording>();
  readonly #cones = new Map<string, ReadonlySet<string>>();

  constructor(read: ModelReader) {
    this.#read = read;
  }

  /** Runs a part; `partOf` makes it with the reader that it is to read through. */
  part(partOf: (read: ModelReader) => Part): TracedPart {
    const emitted: Emitted[] = [];
    const recording = record(this.#read, (read) =>
      partOf(read)((type, name, value) => emitted.push({ type, name, value })),
    );
    return { recording, emitted, values: new Set(emitted.map(({ value }) => unpatched(value))) };
  }

  /** Keys of the objects that one resource of a part was made from. */
  originsOf({ recording, values }: TracedPart, emitted: unknown): ReadonlySet<string> {
    const value = unpatched(emitted);
    const found = new Set<string>();
    for (const key of recording.objects) if (!isRegistryKey(key)) found.add(key);
    for (const read of recording.derived) {
      const inside = resourcesIn(read.value, values);
      if (inside.has(value)) this.#inside(read, value, values, found);
      else if (inside.size === 0) {
        for (const key of this.cone(read)) if (!isRegistryKey(key)) found.add(key);
      }
    }
    // All of them are read for each resource; which of them had something to say is known from the patching.
    for (const key of found) if (isPatchKey(key)) found.delete(key);
    for (const key of patchedBy(emitted)) found.add(key);
    return found;
  }

  /** Keys of all objects that a derivation's value depends on. */
  cone(read: DerivedRead): ReadonlySet<string> {
    const known = this.#cones.get(read.id);
    if (known) return known;
    const { objects, derived } = this.#recording(read);
    const cone = new Set(objects);
    this.#cones.set(read.id, cone);
    for (const each of derived) for (const key of this.cone(each)) cone.add(key);
    return cone;
  }

  /** Whether one resource of a part was made from an object; `reached` are the only values that may depend on it. */
  dependsOn(part: TracedPart, emitted: unknown, question: DependsQuestion): boolean {
    if (isPatchKey(question.key)) return patchedBy(emitted).includes(question.key);
    const { recording, values } = part;
    const value = unpatched(emitted);
    const registry = isRegistryKey(question.key);
    if (!registry && recording.objects.has(question.key)) return true;
    return recording.derived.some((read) => {
      if (!question.reached.has(read.id)) return false;
      const inside = resourcesIn(read.value, values);
      if (inside.has(value)) return this.#insideDependsOn(read, value, values, question);
      return inside.size === 0 && !registry && this.#valueDependsOn(read, question);
    });
  }

  #inside(read: DerivedRead, value: unknown, values: ReadonlySet<unknown>, found: Set<string>) {
    if (read.value === value) {
      for (const key of this.cone(read)) found.add(key);
      return;
    }
    const { objects, derived } = this.#recording(read);
    for (const key of objects) found.add(key);
    for (const each of derived) {
      const inside = resourcesIn(each.value, values);
      if (inside.has(value)) this.#inside(each, value, values, found);
      else if (inside.size === 0) for (const key of this.cone(each)) found.add(key);
    }
  }

  #insideDependsOn(
    read: DerivedRead,
    value: unknown,
    values: ReadonlySet<unknown>,
    question: DependsQuestion,
  ): boolean {
    if (read.value === value) return this.#valueDependsOn(read, question);
    const { objects, derived } = this.#recording(read);
    if (objects.has(question.key)) return true;
    return derived.some((each) => {
      if (!question.reached.has(each.id)) return false;
      const inside = resourcesIn(each.value, values);
      if (inside.has(value)) return this.#insideDependsOn(each, value, values, question);
      return inside.size === 0 && this.#valueDependsOn(each, question);
    });
  }

  #valueDependsOn(read: DerivedRead, question: DependsQuestion): boolean {
    const known = question.answers.get(read.id);
    if (known !== undefined) return known;
    question.answers.set(read.id, false);
    const { objects, derived } = this.#recording(read);
    const depends =
      objects.has(question.key) ||
      derived.some((each) => question.reached.has(each.id) && this.#valueDependsOn(each, question));
    question.answers.set(read.id, depends);
    return depends;
  }

  #recording(read: DerivedRead): Recording {
    const known = this.#recordings.get(read.id);
    if (known) return known;
    const made = record(this.#read, (reader) => void read.derivation.compute(reader, read.key));
    this.#recordings.set(read.id, made);
    return made;
  }
}

/** Whether resources depend on one object. */
export interface DependsQuestion {
  readonly key: string;
  /** Ids of the values that may depend on it. */
  readonly reached: ReadonlySet<string>;
  /** What has been found out, by id. */
  readonly answers: Map<string, boolean>;
}

/** How deep values hold resources: a part of hosts, its list, a host, its list, a resource. */
const DEEPEST = 4;

/** Those of a part's resources that a value holds, and does not merely speak of: by identity. */
function resourcesIn(value: unknown, resources: ReadonlySet<unknown>): ReadonlySet<unknown> {
  const found = new Set<unknown>();
  const look = (each: unknown, depth: number): void => {
    if (typeof each !== "object" || each === null) return;
    if (resources.has(each)) return void found.add(each);
    if (depth >= DEEPEST) return;
    if (Array.isArray(each)) for (const item of each) look(item, depth + 1);
    else if (each instanceof Map) for (const item of each.values()) look(item, depth + 1);
    else if (!(each instanceof Set)) for (const item of Object.values(each)) look(item, depth + 1);
  };
  look(value, 0);
  return found;
}
