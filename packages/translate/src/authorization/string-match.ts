/** Values of authorization rules as Envoy matches them: whole, by prefix (`abc*`), by suffix (`*abc`), or any that is there (`*`). */
import type { StringMatcher } from "@heddle/envoy/type/matcher/v3";

const ANYTHING: StringMatcher = { safeRegex: { regex: ".+" } };

/** `before` stands in front of every value, but for `*`. */
export function matcherOf(value: string, before = ""): StringMatcher {
  if (value === "*") return ANYTHING;
  if (value.startsWith("*")) {
    const end = value.slice(1);
    return before === "" ? { suffix: end } : matcherOfRegex(`${before}.*${literally(end)}`);
  }
  if (value.endsWith("*")) return { prefix: before + value.slice(0, -1) };
  return { exact: before + value };
}

/** Matches the whole of a text, as RE2 reads it. */
export function matcherOfRegex(regex: string): StringMatcher {
  return { safeRegex: { regex } };
}

/** Text as a regular expression of itself. */
export function literally(text: string): string {
  return text.replaceAll(/[\\.+*?()|[\]{}^$]/g, "\\$&");
}
