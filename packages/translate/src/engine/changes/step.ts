/** A step of a change that is being recorded: computations of one name and one reason are counted together, the first of them by key. */
import type {
  Outcome,
  RecordedChange,
  RecordedResources,
  RecordedRun,
  RecordedStep,
  StepKind,
} from "./recorded-change.ts";

/** What one change may take of memory, however large it is: computations that are listed of a step, and in all; steps. */
const LISTED = { ofStep: 10, inAll: 400, steps: 300 };
/** Names of resources of a type that are listed of a step. */
const NAMES = 10;
/** The step of all that there is no room for. */
const REST = "others";

/** What is left of those bounds, one for all steps of a change. */
export interface Room {
  runs: number;
  steps: number;
  unlisted: number;
}

export function roomForOne(): Room {
  return { runs: LISTED.inAll, steps: LISTED.steps, unlisted: 0 };
}

export class Step {
  readonly #kind: StepKind;
  readonly #name: string;
  readonly #room: Room;
  readonly #steps = new Map<string, Step>();
  readonly #outcomes: Partial<Record<Outcome, number>> = {};
  readonly #runs: RecordedRun[] = [];
  #resources: Map<string, { count: number; names: string[] }> | undefined;
  #ms = 0;
  #views = 0;

  constructor(kind: StepKind, name: string, room: Room) {
    this.#kind = kind;
    this.#name = name;
    this.#room = room;
  }

  /** What ran because of this. Where there is no room for another step, everything else goes into one. */
  next(kind: StepKind, name: string): Step {
    const known = this.#steps.get(name);
    if (known) return known;
    const room = this.#room;
    if (room.steps <= 0)
      return this.#name === REST ? this : (this.#steps.get(REST) ?? this.#add(REST, "other"));
    room.steps--;
    return this.#add(name, kind);
  }

  count(run: RecordedRun): void {
    this.#outcomes[run.outcome] = (this.#outcomes[run.outcome] ?? 0) + 1;
    this.#ms += run.ms;
    const room = this.#room;
    if (this.#runs.length >= LISTED.ofStep || room.runs <= 0) room.unlisted++;
    else {
      room.runs--;
      this.#runs.push(run);
    }
  }

  /** Resources that a part changed, by type, and views that hold these and were not counted here before. */
  changed(resources: ReadonlyMap<string, RecordedResources>, views: number): void {
    this.#views += views;
    const known = (this.#resources ??= new Map());
    for (const [type, { count, names }] of resources) {
      const before = known.get(type) ?? { count: 0, names: [] };
      before.count += count;
      const fresh = names.filter((name) => !before.names.includes(name));
      before.names.push(...fresh.slice(0, NAMES - before.names.length));
      known.set(type, before);
    }
  }

  get steps(): readonly Step[] {
    return [...this.#steps.values()];
  }

  recorded(): RecordedStep {
    return {
      kind: this.#kind,
      name: this.#name,
      outcomes: { ...this.#outcomes },
      ms: this.#ms,
      runs: [...this.#runs],
      ...(this.#resources
        ? { resources: Object.fromEntries(this.#resources), views: this.#views }
        : {}),
      steps: this.steps.map((each) => each.recorded()),
    };
  }

  #add(name: string, kind: StepKind): Step {
    const made = new Step(kind, name, this.#room);
    this.#steps.set(name, made);
    return made;
  }
}

/** Sums over steps and what came of them. */
export function totals(
  steps: readonly RecordedStep[],
): Pick<RecordedChange, "computed" | "derivations"> {
  const derivations: Partial<Record<Outcome, number>> = {};
  let computed = 0;
  const add = ({ kind, ms, outcomes, steps: inner }: RecordedStep): void => {
    computed += ms;
    if (kind === "derivation")
      for (const [outcome, count] of Object.entries(outcomes) as [Outcome, number][])
        derivations[outcome] = (derivations[outcome] ?? 0) + count;
    inner.forEach(add);
  };
  steps.forEach(add);
  return { computed, derivations };
}
