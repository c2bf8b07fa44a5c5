/**
 * Notes what each change makes the engine compute, and why. It is kept for the last changes, so that one can be looked at that has
 * happened; without a change on its way nothing is noted, as when a proxy comes.
 */
import type { Outcome, RecordedChange, StepKind } from "./recorded-change.ts";
import { type Room, roomForOne, Step, totals } from "./step.ts";

/** Changes that are kept. */
const KEPT = 20;
/** Keys of objects that are listed of a change. */
const OBJECTS = 20;

/** A computation that is going on. */
export interface Running {
  readonly kind: StepKind;
  readonly name: string;
  readonly key: string;
  /** It has no value yet. */
  readonly isNew: boolean;
  readonly start: number;
  /** What has asked for it while it ran itself. */
  readonly within: Running | undefined;
  /** What it was the first to read that has changed: all that it read before was as it had been. */
  cause: Step | undefined;
  by: string | undefined;
  /** Time of what it asked for, milliseconds. */
  inner: number;
  step: Step | undefined;
  resources: Map<string, { count: number; names: string[] }> | undefined;
}

/** A change that is being worked out; what it refers to goes with it. */
interface Open {
  readonly at: number;
  readonly start: number;
  readonly room: Room;
  readonly root: Step;
  readonly objects: string[];
  objectCount: number;
  applied: number;
  /** What has come out another, with the step that it belongs to. */
  readonly changed: Map<object, Step>;
  /** The first object by which an answer came to be asked for again. */
  readonly touched: Map<object, string>;
  readonly views: Set<object>;
  /** Sets of resources that a step has counted the views of. */
  readonly counted: Map<Step, Set<object>>;
}

interface Kept extends Omit<RecordedChange, "steps" | "computed" | "derivations" | "unlisted"> {
  readonly root: Step;
  readonly room: Room;
}

export class ChangeRecorder {
  readonly #now: () => number;
  readonly #kept: Kept[] = [];
  #number = 0;
  #open: Open | undefined;
  #running: Running | undefined;
  #object: string | undefined;

  /** `now` gives milliseconds that only go forward. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** The model is about to change. `names` are keys of objects, or words for what is none. */
  apply(names: Iterable<string>): void {
    const open = (this.#open ??= this.#begun());
    open.applied++;
    for (const name of names) {
      open.objectCount++;
      const step = open.root.next("object", kindOf(name));
      step.count({ key: name, outcome: "changed", ms: 0 });
      if (open.objects.length < OBJECTS) open.objects.push(name);
    }
  }

  /** Until the next call, answers are touched on behalf of this object. */
  set object(key: string | undefined) {
    this.#object = key;
  }

  /** An answer will have to be asked for again. */
  touched(answer: object): void {
    if (this.#open && this.#object !== undefined && !this.#open.touched.has(answer))
      this.#open.touched.set(answer, this.#object);
  }

  /** An answer was asked for again. */
  answered(answer: object, question: string, key: string, outcome: "changed" | "equal"): void {
    const open = this.#open;
    if (!open) return;
    const by = open.touched.get(answer) ?? (open.objectCount === 1 ? open.objects[0] : undefined);
    const reason = by === undefined ? open.root : open.root.next("object", kindOf(by));
    const step = reason.next("answer", question);
    step.count({ key, outcome, ms: 0, ...(by === undefined ? {} : { by }) });
    if (outcome === "changed") open.changed.set(answer, step);
  }

  /** Undefined where nothing is noted. Whatever begins must end. */
  begin(kind: StepKind, name: string, key: string, isNew: boolean): Running | undefined {
    if (!this.#open) return undefined;
    const within = this.#running;
    return (this.#running = {
      ...{ kind, name, key, isNew, within },
      start: this.#now(),
      cause: undefined,
      by: undefined,
      inner: 0,
      step: undefined,
      resources: undefined,
    });
  }

  /** Something has been read: what runs does so for the first thing that has changed. */
  read(source: object, key: string): void {
    const running = this.#running;
    if (running === undefined || running.cause !== undefined || running.isNew) return;
    running.cause = this.#open?.changed.get(source);
    if (running.cause !== undefined) running.by = key;
  }

  /** A part that runs has another resource than before, or one less. */
  resource(type: string, name: string): void {
    const running = this.#running;
    if (running?.kind !== "part") return;
    const resources = (running.resources ??= new Map());
    const of = resources.get(type) ?? { count: 0, names: [] };
    of.count++;
    if (of.names.length < OBJECTS) of.names.push(name);
    resources.set(type, of);
  }

  /** `value` is what others read of it. */
  end(running: Running | undefined, outcome: Outcome, value: object): void {
    const step = this.#ended(running, outcome);
    if (step && outcome !== "equal") this.#open?.changed.set(value, step);
  }

  /** A part of a set of resources, which so many views hold. */
  endPart(running: Running | undefined, set: object, views: number): void {
    if (!running) return;
    const { isNew, resources } = running;
    const step = this.#ended(running, isNew ? "new" : resources ? "changed" : "equal");
    if (step && resources) step.changed(resources, this.#unseen(step, set) ? views : 0);
  }

  /** A view has told its listeners of other resources. */
  told(view: object): void {
    this.#open?.views.add(view);
  }

  /** All that there was to do is done. */
  settled(): void {
    const open = this.#open;
    this.#open = undefined;
    this.#object = undefined;
    if (!open) return;
    const { at, applied, objects, objectCount, root, room } = open;
    const [took, views] = [this.#now() - open.start, open.views.size];
    const number = ++this.#number;
    this.#kept.push({ ...{ number, at, applied, objects, objectCount, took, views, root, room } });
    if (this.#kept.length > KEPT) this.#kept.shift();
  }

  /** The last changes that were worked out, oldest first. */
  changes(): RecordedChange[] {
    return this.#kept.map(({ root, room, ...change }) => {
      const steps = root.steps.map((each) => each.recorded());
      return { ...change, ...totals(steps), unlisted: room.unlisted, steps };
    });
  }

  #begun(): Open {
    const room = roomForOne();
    return {
      ...{ at: Date.now(), start: this.#now(), room, root: new Step("other", "", room) },
      ...{ objects: [], objectCount: 0, applied: 0 },
      ...{ changed: new Map(), touched: new Map(), views: new Set(), counted: new Map() },
    };
  }

  /** Something new belongs to what has asked for it, anything else to what it has read. */
  #stepOf(running: Running, open: Open): Step {
    const { kind, name, cause, isNew, within } = running;
    if (running.step) return running.step;
    const reason = cause ?? (isNew && within ? this.#stepOf(within, open) : undefined);
    return (running.step = (reason ?? otherReason(running, open)).next(kind, name));
  }

  #ended(running: Running | undefined, outcome: Outcome): Step | undefined {
    if (!running) return undefined;
    const { key, within, isNew, by = isNew ? within?.key : undefined } = running;
    this.#running = within;
    const took = this.#now() - running.start;
    if (within) within.inner += took;
    if (!this.#open) return undefined;
    const step = this.#stepOf(running, this.#open);
    const ms = Math.max(0, took - running.inner);
    step.count({ key, outcome, ms, ...(by === undefined ? {} : { by }) });
    return step;
  }

  #unseen(step: Step, set: object): boolean {
    const counted = this.#open?.counted ?? new Map<Step, Set<object>>();
    const sets = counted.get(step) ?? new Set();
    counted.set(step, sets);
    return sets.size < sets.add(set).size;
  }
}

/** What is not tracked by a name runs for the only object that has changed; what is new may be a proxy's that has just come. */
function otherReason({ isNew }: Running, { root, objects, objectCount }: Open): Step {
  const [only] = objects;
  return only !== undefined && objectCount === 1 && !isNew
    ? root.next("object", kindOf(only))
    : root.next("other", "others");
}

/** `group/Kind` of an object's key; words stand for themselves. */
function kindOf(name: string): string {
  const group = name.indexOf("/");
  const kind = group < 0 ? -1 : name.indexOf("/", group + 1);
  return kind < 0 ? name : name.slice(0, kind);
}
