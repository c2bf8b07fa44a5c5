/** Answers that are kept for some seconds, so that whoever is asked is not asked with every request. */

export interface ShortMemory<T> {
  /** What was answered lately, or what `ask` answers now. An answer that fails is not kept. */
  get(key: string, ask: () => Promise<T>): Promise<T>;
}

export function createShortMemory<T>({
  holdsMs,
  most,
}: {
  readonly holdsMs: number;
  /** The oldest answers beyond these are forgotten. */
  readonly most: number;
}): ShortMemory<T> {
  const known = new Map<string, { readonly answer: Promise<T>; readonly until: number }>();
  return {
    get(key, ask) {
      const found = known.get(key);
      if (found && found.until > performance.now()) return found.answer;
      const answer = ask();
      known.delete(key);
      known.set(key, { answer, until: performance.now() + holdsMs });
      const [oldest] = known.keys();
      if (known.size > most && oldest !== undefined) known.delete(oldest);
      answer.catch(() => known.delete(key));
      return answer;
    },
  };
}
