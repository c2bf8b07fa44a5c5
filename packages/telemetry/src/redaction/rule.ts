/** One rule, ready to be applied to texts. */
import { globMatcher, type RedactedSignal, type RedactionRule } from "@heddle/model";
import { detectors } from "./detectors.ts";
import { type Form, formOf, type Hash } from "./form.ts";
import { namedValues } from "./named-values.ts";
import { joined, type Range } from "./range.ts";
import { type RegexFinder, regexFinder } from "./regex.ts";
import { holdsUrl, pathsIn } from "./url-path.ts";

export interface CompiledRule {
  /** `namespace/object/rule` in counts. */
  readonly label: string;
  readonly signals: ReadonlySet<RedactedSignal>;
  /** See `Detector`. */
  readonly trigger: string;
  /** Of the same; undefined where it is empty. */
  readonly mayFind: RegExp | undefined;
  /** Where in a text is looked; the whole of it, pieces of it, or nowhere. `attribute` is undefined for what is no attribute. */
  readonly places: (text: string, attribute: string | undefined) => "all" | Iterable<Range>;
  /** Whether the rule takes away all of this attribute, whatever it is. */
  readonly takes: (attribute: string) => boolean;
  /** All of a place without it. */
  readonly find: RegexFinder | undefined;
  /** Whether it is applied again where something was taken away: what stands in its place parts what stood together before. */
  readonly repeats: boolean;
  readonly form: Form;
}

/** `broken`: why a rule is not what its object says, and takes away everything in its places instead. */
export interface Compiled {
  readonly rule: CompiledRule;
  readonly broken: string | undefined;
}

const NONE: readonly Range[] = [];

export function compileRule(label: string, rule: RedactionRule, hash: Hash): Compiled {
  const { where = {}, what, how } = rule;
  const { attributes, queryParameters, body = false, path = false } = where;
  const named = attributes && globMatcher(attributes);
  const parameter = queryParameters && globMatcher(queryParameters);
  const everywhere = !named && !parameter && !body && !path;
  const { find, broken } = finderOf(what);
  const trigger = triggerOf(rule);
  const byName = (what?.detectors ?? []).flatMap((name) => detectors[name].names ?? []);
  const places: CompiledRule["places"] = (text, attribute) => {
    if (everywhere || (attribute === undefined ? body : named?.(attribute))) return "all";
    const inPath = path && (attribute === undefined || holdsUrl(attribute));
    if (!inPath && !parameter) return NONE;
    return [
      ...(inPath ? pathsIn(text) : NONE),
      ...(parameter ? parameters(text, parameter) : NONE),
    ];
  };
  return {
    broken,
    rule: {
      label,
      signals: new Set(where.signals ?? ["LOGS", "TRACES"]),
      trigger,
      mayFind: trigger === "" ? undefined : new RegExp(trigger, "i"),
      places,
      takes: (attribute) =>
        (everywhere || named?.(attribute) === true) &&
        (find === undefined || byName.some((is) => is(attribute))),
      find,
      // An expression may match what it has put there.
      repeats: what?.regex === undefined,
      form: formOf(how, hash),
    },
  };
}

/** Behind the start of a query or what parts it, or where a text begins: some attributes hold a query alone. */
function* parameters(text: string, wanted: (name: string) => boolean): Generator<Range> {
  for (const { before, separator, start, end } of namedValues(text, wanted)) {
    if (separator !== "=" || !/^[?&;#]?$/.test(before)) continue;
    const fragment = text.indexOf("#", start);
    yield { start, end: fragment > start && fragment < end ? fragment : end };
  }
}

function finderOf(
  what: RedactionRule["what"],
): Pick<CompiledRule, "find"> & Pick<Compiled, "broken"> {
  if (what === undefined) return { find: undefined, broken: undefined };
  const finders = (what.detectors ?? []).map((name) => detectors[name].find);
  let regex: RegexFinder | undefined;
  if (what.regex !== undefined) {
    try {
      regex = regexFinder(what.regex);
    } catch (error) {
      return { find: undefined, broken: (error as Error).message };
    }
  }
  const find: RegexFinder = (text, late) => {
    const ranges = finders.flatMap((one) => [...one(text)]);
    if (!regex) return { ranges, read: true };
    const matched = regex(text, late);
    return { ranges: [...ranges, ...matched.ranges], read: matched.read };
  };
  return { find, broken: undefined };
}

/** Of what is looked for, else of where; nothing is known of an expression. */
function triggerOf({ where = {}, what }: RedactionRule): string {
  if (what?.regex !== undefined) return "";
  if (what) return anyOf((what.detectors ?? []).map((name) => detectors[name].trigger));
  if (where.body === true || where.path === true) return "";
  return anyOf([...(where.attributes ?? []), ...(where.queryParameters ?? [])].map(longestPart));
}

function anyOf(triggers: readonly string[]): string {
  return triggers.includes("") ? "" : triggers.join("|");
}

/** The longest piece of a name with wildcards that any name it stands for holds, escaped; only of ASCII, whose bytes are its own. */
function longestPart(glob: string): string {
  const parts = glob.match(/[!-)+-~]+/g) ?? [];
  const longest = parts.toSorted((a, b) => b.length - a.length)[0] ?? "";
  return longest.replaceAll(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}

/** So many values of one text are replaced one by one; then the rest of the text is. */
export const MAX_VALUES = 1000;

export interface Applied {
  readonly text: string;
  /** Values that were replaced. */
  readonly count: number;
  /** Whether all of the text was read, and not a part of it taken away unread. */
  readonly read: boolean;
}

/** What a rule leaves of a text. */
export function applyRule(
  rule: CompiledRule,
  text: string,
  attribute: string | undefined,
  late: () => boolean,
): Applied {
  const { mayFind } = rule;
  if (text === "" || (mayFind && !mayFind.test(text) && !(attribute && mayFind.test(attribute))))
    return { text, count: 0, read: true };
  const places = rule.places(text, attribute);
  if (places === "all" && (attribute === undefined ? !rule.find : rule.takes(attribute)))
    return replaced(rule.form, text, [{ start: 0, end: text.length }], true);
  const ranges: Range[] = [];
  let read = true;
  for (const { start, end } of places === "all" ? [{ start: 0, end: text.length }] : places) {
    if (rule.find === undefined) {
      ranges.push({ start, end });
      continue;
    }
    const found = rule.find(text.slice(start, end), late);
    read &&= found.read;
    for (const range of found.ranges)
      ranges.push({ start: start + range.start, end: start + range.end });
  }
  return replaced(rule.form, text, joined(ranges), read);
}

function replaced(form: Form, text: string, ranges: readonly Range[], read: boolean): Applied {
  if (ranges.length === 0) return { text, count: 0, read };
  let result = "";
  let at = 0;
  let count = 0;
  for (const [index, { start, end: foundEnd }] of ranges.entries()) {
    const end = index === MAX_VALUES - 1 && index < ranges.length - 1 ? text.length : foundEnd;
    const value = text.slice(start, end);
    const substitute = form.replace(value);
    if (substitute !== value) count++;
    result += text.slice(at, start) + substitute;
    at = end;
    if (end === text.length && index === MAX_VALUES - 1) break;
  }
  return { text: result + text.slice(at), count, read };
}
