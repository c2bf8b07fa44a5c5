/** Host names and the `*.suffix` patterns that cover them. */
import type { Multimap } from "./multimap.ts";

/** The name itself, then every `*.suffix` that it falls under, the most specific one first, then `*`. */
export function* patternsOf(host: string): Generator<string> {
  yield host;
  let rest = host.startsWith("*.") ? host.slice(2) : host;
  for (let dot = rest.indexOf("."); dot >= 0; dot = rest.indexOf(".")) {
    rest = rest.slice(dot + 1);
    yield `*.${rest}`;
  }
  if (host !== "*") yield "*";
}

/** Things whose pattern covers the host: the most specific pattern first, in order within one pattern. */
export function matching<T>(things: Multimap<T>, host: string): T[] {
  const found: T[] = [];
  for (const pattern of patternsOf(host)) found.push(...things.get(pattern));
  return found;
}
