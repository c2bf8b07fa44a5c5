/**
 * Make before break between the two ends of a connection. A proxy that will take other connections than before takes both kinds
 * first; then others are told to come in the new way; the old one ends when nobody is left who was not told.
 */
import { PATIENCE_MS } from "../patience.ts";

/** A proxy's stream, as the two ends see each other. */
export interface End {
  /** Where others reach it. */
  readonly addresses: readonly string[];
  /** Its listeners are in force as far as the stream can tell. */
  readonly listening: boolean;
  /** It has all that it has been meant to have and may have; what it will lose later does not count. */
  readonly switched: boolean;
  /**
   * For how long a connection that says nothing may be looked at before what is to go has it, milliseconds: clients open some that
   * they use later.
   */
  readonly silence: number;
  /** It has yet to learn something of whom it reaches, and how. */
  readonly learning: boolean;
  /** What it keeps only for the sake of others may go. */
  release(): void;
  /** What it waited for may have come. */
  wake(): void;
}

/**
 * Envoy answers before a listener has all that it waits for, and its workers have it a moment later; both take longer on a busy
 * machine. Milliseconds.
 */
const OPEN_GRACE_MS = 500;
/** Connections are under way that a client began before it knew better, milliseconds. */
const CLOSE_GRACE_MS = 1_000;

/** Views of a large mesh take a while; under changes without end they may never all be done at one time. Milliseconds. */
const HEARD_WITHIN_MS = 1_000;

interface Opening {
  readonly addresses: readonly string[];
  readonly limit: NodeJS.Timeout;
  grace?: NodeJS.Timeout;
}

interface Closing {
  readonly limit: NodeJS.Timeout;
  /** Who has yet to switch; nobody can tell before every view has heard of the change. */
  awaited: Set<End> | undefined;
  grace?: NodeJS.Timeout;
}

export class Overlap {
  readonly #ends: () => Iterable<End>;
  readonly #settled: () => Promise<void>;
  readonly #opening = new Map<End, Opening>();
  readonly #closing = new Map<End, Closing>();
  /** Changes of which not every view has heard. */
  #unheard = 0;
  /** Since when there have been some (`performance.now()`). */
  #unheardSince = 0;
  #someoneHeld = false;

  /** `settled` resolves when every view has heard of all changes. */
  constructor(ends: () => Iterable<End>, settled: () => Promise<void>) {
    this.#ends = ends;
    this.#settled = settled;
  }

  /** A change may concern both ends: nobody goes ahead before it is known who will take other connections than before. */
  announce(): void {
    if (this.#unheard++ === 0) this.#unheardSince = performance.now();
    const limit = later(HEARD_WITHIN_MS, () => this.#goOn());
    void this.#settled().then(() => {
      clearTimeout(limit);
      this.#unheard--;
      this.#goOn();
    });
  }

  /** An end takes connections that it did not take before. */
  opens(end: End): void {
    const known = this.#opening.get(end);
    clearTimeout(known?.grace);
    this.#opening.set(end, {
      addresses: end.addresses,
      limit: known?.limit ?? later(PATIENCE_MS, () => this.#opened(end)),
    });
  }

  /** An end will take fewer connections than before, once it is released; that takes no longer than patience lasts. */
  closes(end: End): void {
    const known = this.#closing.get(end);
    clearTimeout(known?.grace);
    const closing: Closing = {
      limit: known?.limit ?? later(PATIENCE_MS + end.silence, () => this.#closed(end)),
      awaited: undefined,
    };
    this.#closing.set(end, closing);
    void this.#settled().then(() => {
      const others = [...this.#ends()].filter((each) => each !== end);
      // Nobody comes in another way than before, and nobody has just been told to.
      if (known === undefined && !others.some((each) => each.learning)) {
        if (this.#closing.get(end) === closing) this.#closed(end);
        return;
      }
      closing.awaited = new Set(others.filter((each) => !each.switched));
      this.#closeIfAlone(end, closing);
    });
  }

  /** Whether what leads to some of these addresses has to wait; `undefined` for what cannot tell its addresses. */
  holds(addresses: () => ReadonlySet<string> | undefined): boolean {
    const unheard = this.#unheard > 0 && performance.now() - this.#unheardSince < HEARD_WITHIN_MS;
    if (!unheard && this.#opening.size === 0) return false;
    const held = unheard || this.#concerns(addresses());
    if (held) this.#someoneHeld = true;
    return held;
  }

  /** An end has come further. */
  progress(end: End): void {
    const opening = this.#opening.get(end);
    if (opening && !opening.grace && end.listening)
      opening.grace = later(OPEN_GRACE_MS, () => this.#opened(end));
    if (this.#closing.size === 0 || !end.switched) return;
    for (const [other, closing] of this.#closing) {
      if (closing.awaited?.delete(end)) this.#closeIfAlone(other, closing);
    }
  }

  /** An end has gone. */
  forget(end: End): void {
    if (this.#opening.has(end)) this.#opened(end);
    this.#drop(end);
    for (const [other, closing] of this.#closing) {
      if (closing.awaited?.delete(end)) this.#closeIfAlone(other, closing);
    }
  }

  #concerns(addresses: ReadonlySet<string> | undefined): boolean {
    if (this.#opening.size === 0) return false;
    if (addresses === undefined) return true;
    for (const opening of this.#opening.values())
      if (opening.addresses.some((address) => addresses.has(address))) return true;
    return false;
  }

  #opened(end: End): void {
    const opening = this.#opening.get(end);
    clearTimeout(opening?.limit);
    clearTimeout(opening?.grace);
    this.#opening.delete(end);
    this.#goOn();
  }

  #goOn(): void {
    if (!this.#someoneHeld) return;
    this.#someoneHeld = false;
    for (const end of this.#ends()) end.wake();
  }

  #closeIfAlone(end: End, closing: Closing): void {
    if (closing.awaited?.size !== 0 || this.#closing.get(end) !== closing) return;
    closing.grace ??= later(CLOSE_GRACE_MS + end.silence, () => this.#closed(end));
  }

  #closed(end: End): void {
    this.#drop(end);
    end.release();
  }

  #drop(end: End): void {
    const closing = this.#closing.get(end);
    clearTimeout(closing?.limit);
    clearTimeout(closing?.grace);
    this.#closing.delete(end);
  }
}

function later(ms: number, run: () => void): NodeJS.Timeout {
  return setTimeout(run, ms).unref();
}
