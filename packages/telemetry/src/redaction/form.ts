/** What stands in the place of a value. */
import type { RedactionForm } from "@heddle/model";

export const MASK = "[redacted]";

/** The first 16 hexadecimal digits of a keyed hash. */
export type Hash = (value: string) => string;

export interface Form {
  /** An attribute in which something is found goes whole. */
  readonly drops: boolean;
  /** At most 64 characters. */
  readonly replace: (value: string) => string;
}

const STARS = "****";
const MARK = /^(?:\[redacted\]|\[hash:[0-9a-f]{16}\]|\*{4}.{0,8})$/su;

export function formOf(how: RedactionForm | undefined, hash: Hash): Form {
  const form = (replace: (value: string) => string): Form => ({
    drops: false,
    replace: (value) => (MARK.test(value) ? value : replace(value)),
  });
  const { mask = MASK, keepLast, hash: hashed, drop } = how ?? {};
  if (drop) return { drops: true, replace: () => "" };
  if (hashed) return form((value) => `[hash:${hash(value)}]`);
  if (keepLast !== undefined) return form((value) => STARS + lastOf(value, keepLast));
  return form(() => mask);
}

/** Nothing of a short value: most of it would be told. */
function lastOf(value: string, count: number): string {
  const characters = [...value.slice(-2 * count)];
  return value.length < 2 * count ? "" : characters.slice(-count).join("");
}
