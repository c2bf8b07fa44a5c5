/** One entry of the attack list: what somebody tries, what he is after, and what he has to get instead. */
import { expect, test } from "vitest";

export interface Attack {
  /** What the attacker would have by it. */
  readonly wants: string;
  /** What his attempt has to come to, word for word. */
  readonly gets: string;
}

declare module "vitest" {
  interface TaskMeta {
    /** The test is an entry of the attack list. */
    attack?: Attack;
  }
}

/** Declares an attack that has to fail; `attempt` makes it and says what came of it. */
export function attack(name: string, entry: Attack, attempt: () => Promise<string> | string): void {
  test(name, { meta: { attack: entry } }, async () => {
    expect(await attempt()).toBe(entry.gets);
  });
}
