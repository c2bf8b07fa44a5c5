/** What a change made the engine do, as it is kept and shown: a tree from the objects that changed to the resources of proxies. */

/** What became of one computation. */
export type Outcome =
  /** It had no value before: something that ran has asked for it. */
  | "new"
  /** Whoever reads it has to run again. */
  | "changed"
  /** It came out as it was: the change stops there. */
  | "equal"
  /** Its last good value stands, if it ever had one. */
  | "failed";

export type StepKind =
  /** Objects of a kind that changed. */
  | "object"
  /** A question about the model, answered again from its indexes. */
  | "answer"
  | "derivation"
  /** A part of what a proxy holds, put together again. */
  | "part"
  /** What ran for another reason than the change: a proxy that came meanwhile, or what is not tracked by a name. */
  | "other";

export interface RecordedRun {
  readonly key: string;
  readonly outcome: Outcome;
  /** Its own time without that of what it asked for, in milliseconds. */
  readonly ms: number;
  /** The key, in the step above, whose change made it run. */
  readonly by?: string;
}

export interface RecordedResources {
  readonly count: number;
  /** The first of them. */
  readonly names: readonly string[];
}

/** Computations of one name that ran for one reason: each has read, or was asked for by, one of the step above. */
export interface RecordedStep {
  readonly kind: StepKind;
  /** Of a derivation, a question, a part; `group/Kind` of objects. */
  readonly name: string;
  readonly outcomes: Readonly<Partial<Record<Outcome, number>>>;
  /** Of all of them, milliseconds. */
  readonly ms: number;
  /** The first of them. */
  readonly runs: readonly RecordedRun[];
  /** Parts alone, by type: what is another at the proxies that hold them. */
  readonly resources?: Readonly<Record<string, RecordedResources>>;
  /** Parts alone: how many views hold something that they changed. */
  readonly views?: number;
  readonly steps: readonly RecordedStep[];
}

export interface RecordedChange {
  /** Counts changes from 1. */
  readonly number: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Times that the model was changed before all of it was worked out. */
  readonly applied: number;
  /** Keys of the objects that changed, or words for what is no object; the first of `objectCount`. */
  readonly objects: readonly string[];
  readonly objectCount: number;
  /** From the first change until every view was in step, milliseconds. */
  readonly took: number;
  /** Milliseconds of that for computing. */
  readonly computed: number;
  /** Computations of derivations. */
  readonly derivations: Readonly<Partial<Record<Outcome, number>>>;
  /** Views that were told that some of their resources are other ones. */
  readonly views: number;
  /** Computations that are counted but not listed, since there were so many. */
  readonly unlisted: number;
  readonly steps: readonly RecordedStep[];
}
