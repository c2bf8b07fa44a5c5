/** Brings what is out of date up to date in slices, so that I/O gets its turn between them. */

/** A unit of work that can be done piece by piece. */
export interface Work {
  /** Does one piece, a few milliseconds at most; true if there is more to do. */
  step(): boolean;
}

/** Time and turns, given from outside. */
export interface Schedule {
  /** Milliseconds that only go forward. */
  readonly now: () => number;
  /** Runs when the current turn ends, before I/O. */
  readonly soon: (run: () => void) => void;
  /** Runs after I/O had its turn. */
  readonly later: (run: () => void) => void;
}

/** How long a slice may take before I/O gets a turn, in milliseconds. */
export const SLICE_MS = 10;

/**
 * The first change is worked on as soon as the code that made it returns; only what does not fit into one slice waits for
 * the next turn. Work is finished one unit after the other, so that the first proxy has its change before the last one's
 * is computed.
 */
export class Drain {
  readonly #schedule: Schedule;
  readonly #queue = new Set<Work>();
  readonly #idle: () => void;
  #scheduled = false;
  #waiting: (() => void)[] = [];

  /** `idle` is called each time that all work is done. */
  constructor(schedule: Schedule, idle: () => void) {
    this.#schedule = schedule;
    this.#idle = idle;
  }

  add(work: Work): void {
    this.#queue.add(work);
    this.wake();
  }

  remove(work: Work): void {
    this.#queue.delete(work);
  }

  /** Sees to it that `idle` is called, even if there is no work. */
  wake(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#schedule.soon(this.#slice);
  }

  /** Resolves when there is nothing left to do. */
  settled(): Promise<void> {
    if (!this.#scheduled) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  readonly #slice = (): void => {
    const end = this.#schedule.now() + SLICE_MS;
    for (const work of this.#queue) {
      while (this.#queue.has(work)) {
        if (!work.step()) this.#queue.delete(work);
        else if (this.#schedule.now() >= end) break;
      }
      if (this.#schedule.now() >= end) break;
    }
    if (this.#queue.size > 0) {
      this.#schedule.later(this.#slice);
      return;
    }
    this.#scheduled = false;
    this.#idle();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  };
}
