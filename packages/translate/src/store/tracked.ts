/** Answers to one kind of question about the model, each tracked by its key while somebody watches it. */
import { Signal } from "@preact/signals-core";
import type { AnswerSource, Claimable, Claims } from "../engine/claims.ts";
import { deepEqual } from "../engine/deep-equal.ts";
import { allKeysIn } from "../origin/objects-in.ts";

/**
 * An answer exists as a signal only from its first read until nobody watches it; "there is none" is an answer too. Whoever
 * changes the data behind the answers says which keys that may concern, and only answers that come out different pass
 * the change on.
 */
export class Tracked<V> implements AnswerSource {
  readonly #answers = new Map<string, Answer<V>>();
  readonly #stale = new Set<Answer<V>>();
  readonly #claims: Claims;
  readonly #name: string;
  readonly #lookUp: (key: string) => V;

  /** `name` is what the question is called in reports; `lookUp` answers from plain data and must not read anything tracked. */
  constructor(claims: Claims, name: string, lookUp: (key: string) => V) {
    this.#claims = claims;
    this.#name = name;
    this.#lookUp = lookUp;
    claims.answered(this);
  }

  read(key: string): V {
    let answer = this.#answers.get(key);
    if (answer === undefined) {
      answer = new Answer<V>(this.#answers, this.#claims, key, this.#lookUp(key));
      this.#answers.set(key, answer);
    }
    const { value } = answer;
    this.#claims.recorder.read(answer, key);
    overhearing?.(value);
    return value;
  }

  /** Tells what answers are read, of all questions, while something runs. */
  static overhear<T>(listener: (answer: unknown) => void, run: () => T): T {
    const before = overhearing;
    overhearing = listener;
    try {
      return run();
    } finally {
      overhearing = before;
    }
  }

  *holding(key: string): Generator<object> {
    for (const answer of this.#answers.values()) {
      for (const held of allKeysIn(answer.peek())) {
        if (held !== key) continue;
        yield answer;
        break;
      }
    }
  }

  /** The answer now, untracked. */
  peek(key: string): V {
    return this.#lookUp(key);
  }

  /** The data behind this key's answer may have changed. */
  touch(key: string): void {
    const answer = this.#answers.get(key);
    if (answer !== undefined) this.#spoil(answer);
  }

  /** The same for every key that a predicate picks: for patterns and for settings. */
  touchWhere(concerns: (key: string) => boolean): void {
    for (const [key, answer] of this.#answers) if (concerns(key)) this.#spoil(answer);
  }

  #spoil(answer: Answer<V>): void {
    this.#stale.add(answer);
    this.#claims.recorder.touched(answer);
  }

  /** Asks again for what was touched; call it in a batch, when all data has changed. */
  flush(): void {
    for (const answer of this.#stale) {
      const { key } = answer;
      const next = this.#lookUp(key);
      const equal = deepEqual(answer.peek(), next);
      if (!equal) answer.value = next;
      this.#claims.recorder.answered(answer, this.#name, key, equal ? "equal" : "changed");
    }
    this.#stale.clear();
  }

  /** Number of answers held. */
  get size(): number {
    return this.#answers.size;
  }
}

let overhearing: ((answer: unknown) => void) | undefined;

class Answer<V> extends Signal<V> implements Claimable {
  readonly key: string;
  readonly claims: Claims;
  readonly #home: Map<string, Answer<V>>;

  constructor(home: Map<string, Answer<V>>, claims: Claims, key: string, value: V) {
    super(value, WATCHING as object);
    this.#home = home;
    this.key = key;
    this.claims = claims;
    claims.released(this);
  }

  forget(): void {
    if (this.#home.get(this.key) === this) this.#home.delete(this.key);
  }
}

const WATCHING = {
  watched(this: Answer<unknown>) {
    this.claims.claimed(this);
  },
  unwatched(this: Answer<unknown>) {
    this.claims.released(this);
  },
};
