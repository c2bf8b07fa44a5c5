/** Resources that proxies hold in common, put together from parts and kept in step with the model. */
import type { ChangeRecorder } from "../engine/changes/change-recorder.ts";
import type { Drain, Work } from "../engine/drain.ts";
import { Watcher } from "../engine/watcher.ts";

export type ResourceType =
  | "cluster"
  | "endpoint"
  | "extension"
  | "listener"
  | "route"
  | "secret"
  | "virtualHost";

export const RESOURCE_TYPES: readonly ResourceType[] = [
  "cluster",
  "endpoint",
  "extension",
  "listener",
  "route",
  "secret",
  "virtualHost",
];

/** Names of what came, went or changed. */
export type ChangedNames = ReadonlyMap<ResourceType, ReadonlySet<string>>;

/** Hands over one resource; a name is handed over once in a set, but for those of `SHARED_NAMES`. */
export type Emit = (type: ResourceType, name: string, value: unknown) => void;

/** Types of which several parts may name the same: one that no part names any more is gone. */
const SHARED_NAMES: ReadonlySet<ResourceType> = new Set(["extension", "secret"]);

/** Some of a set's resources. Its reads are tracked: it runs again by itself, without the other parts. */
export type Part = (emit: Emit) => void;

export interface ResourceSetOptions {
  readonly parts: readonly Part[];
  /** What its parts are called in reports, and whose it is. */
  readonly name: string;
  readonly of: string;
  readonly recorder: ChangeRecorder;
  readonly drain: Drain;
  /** A part failed as a whole; what it gave before stays. */
  readonly onError: (error: unknown) => void;
}

export class ResourceSet implements Work {
  readonly #maps: Readonly<Record<ResourceType, Map<string, unknown>>> = {
    cluster: new Map(),
    endpoint: new Map(),
    extension: new Map(),
    listener: new Map(),
    route: new Map(),
    secret: new Map(),
    virtualHost: new Map(),
  };
  readonly #name: string;
  readonly #of: string;
  readonly #recorder: ChangeRecorder;
  readonly #drain: Drain;
  readonly #onError: (error: unknown) => void;
  readonly #units = new Set<Unit>();
  readonly #dirty = new Set<Unit>();
  readonly #listeners = new Set<(changed: ChangedNames) => void>();
  #changed = new Map<ResourceType, Set<string>>();
  #built = false;

  constructor({ parts, name, of, recorder, drain, onError }: ResourceSetOptions) {
    this.#name = name;
    this.#of = of;
    this.#recorder = recorder;
    this.#drain = drain;
    this.#onError = onError;
    for (const part of parts) this.addPart(part);
  }

  /** Returns how to take the part away again, with what it gave. */
  addPart(part: Part): () => void {
    const unit: Unit = {
      part,
      held: NOT_YET,
      watcher: new Watcher(
        () => this.#recorded(unit),
        () => this.#invalidate(unit),
      ),
    };
    this.#units.add(unit);
    this.#invalidate(unit);
    return () => {
      if (!this.#units.delete(unit)) return;
      unit.watcher.dispose();
      this.#dirty.delete(unit);
      for (const [type, names] of unit.held) this.#dropMissing(type, names, NONE);
      this.#drain.add(this);
    };
  }

  /** Live: follows the model. Call `refresh` before reading. */
  get(type: ResourceType): ReadonlyMap<string, unknown> {
    return this.#maps[type];
  }

  /** Nothing is out of date, and listeners have been told of everything. */
  get clean(): boolean {
    return this.#dirty.size === 0 && this.#changed.size === 0;
  }

  /** Brings everything up to date now. Listeners still hear of it in the drain's time. */
  refresh(): void {
    for (const unit of this.#dirty) this.#update(unit);
  }

  step(): boolean {
    for (const unit of this.#dirty) {
      this.#update(unit);
      break;
    }
    if (this.#dirty.size > 0) return true;
    this.#settle();
    return false;
  }

  /** Called with the names that changed, maybe none, each time that the set is in step again; at first with all. */
  subscribe(listener: (changed: ChangedNames) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** True once everything was there. */
  get built(): boolean {
    return this.#built;
  }

  /** Names whose change listeners have not been told yet. */
  get untold(): ChangedNames {
    return this.#changed;
  }

  /** Which part gave a resource, counted in the order in which they were added; -1 where none did. */
  partOf(type: ResourceType, name: string): number {
    return [...this.#units].findIndex(({ held }) => held.get(type)?.includes(name));
  }

  /** The parts that are among these readers of the model. */
  partsAmong(readers: ReadonlySet<object>): number[] {
    return [...this.#units].flatMap(({ watcher }, index) => (readers.has(watcher) ? [index] : []));
  }

  dispose(): void {
    this.#drain.remove(this);
    for (const unit of this.#units) unit.watcher.dispose();
    this.#units.clear();
    this.#dirty.clear();
    this.#listeners.clear();
    this.#drain.wake();
  }

  #invalidate(unit: Unit): void {
    this.#dirty.add(unit);
    this.#drain.add(this);
  }

  #update(unit: Unit): void {
    this.#dirty.delete(unit);
    unit.watcher.run();
  }

  #settle(): void {
    this.#built = true;
    const changed = this.#changed;
    this.#changed = new Map();
    for (const listener of this.#listeners) listener(changed);
  }

  #recorded(unit: Unit): void {
    const running = this.#recorder.begin("part", this.#name, this.#of, unit.held === NOT_YET);
    this.#run(unit);
    this.#recorder.endPart(running, this, this.#listeners.size);
  }

  #run(unit: Unit): void {
    const next = new Map<ResourceType, string[]>();
    try {
      unit.part((type, name, value) => {
        const names = next.get(type);
        if (names === undefined) next.set(type, [name]);
        else names.push(name);
        const map = this.#maps[type];
        if (map.get(name) === value && (value !== undefined || map.has(name))) return;
        map.set(name, value);
        this.#note(type, name);
      });
    } catch (error) {
      // What was emitted before the failure stands beside what was there: nothing is taken away on an error.
      for (const [type, names] of unit.held) {
        next.set(type, [...new Set([...(next.get(type) ?? []), ...names])]);
      }
      this.#onError(error);
    }
    const before = unit.held;
    unit.held = next;
    for (const [type, names] of before) this.#dropMissing(type, names, next.get(type) ?? NONE);
  }

  #dropMissing(type: ResourceType, before: readonly string[], after: readonly string[]): void {
    if (before.length === after.length && before.every((name, i) => name === after[i])) return;
    const kept = new Set(after);
    for (const name of before) {
      if (kept.has(name) || (SHARED_NAMES.has(type) && this.partOf(type, name) >= 0)) continue;
      if (this.#maps[type].delete(name)) this.#note(type, name);
    }
  }

  #note(type: ResourceType, name: string): void {
    this.#recorder.resource(type, name);
    const names = this.#changed.get(type);
    if (names === undefined) this.#changed.set(type, new Set([name]));
    else names.add(name);
  }
}

type Held = ReadonlyMap<ResourceType, string[]>;

/** Of a part that has not run. */
const NOT_YET: Held = new Map();

const NONE: readonly string[] = [];

interface Unit {
  readonly part: Part;
  readonly watcher: Watcher;
  /** Names that the part gave when it ran last. */
  held: Held;
}
