/** Values that have a name in a text: `name=value` of URLs, forms and logs, `"name": "value"` of JSON, `Name: value` of headers. */
import type { Range } from "./range.ts";

export interface NamedValue extends Range {
  readonly name: string;
  /** The character before the name; empty at the start of the text. */
  readonly before: string;
  /** `=` or `:`. */
  readonly separator: string;
}

/** A name that a separator follows. Each character is looked at a bounded number of times. */
const NAME = /(?<![\w.%-])[\w.%-]{1,64}(?=\]?\\{0,4}["']?\s{0,4}[=:])/g;
/** From the name's end: the quote that closes it, the separator, the bracket of an array, the quote that opens the value. */
const LINK = /\]?(?:\\{0,4}["'])?\s{0,4}([=:])\s{0,4}(\[\s{0,4})?(\\{0,4}["'])?/y;
/** Up to white space or what ends a parameter; a backslash begins the end of a line where text is escaped. */
const WORD = /(?:[^\s&"'<>\\]|\\(?![nrt"'\\]))*/y;
/** In JSON it ends with its string. */
const LINE = /(?:[^\r\n"\\]|"(?!\s{0,4}(?:[}\]]|,\s{0,4}["{[\d]|$))|\\(?![nrt"'\\]))*/y;

/** `isHeader`: names whose unquoted value after a colon is the rest of the line. */
export function* namedValues(
  text: string,
  wanted: (name: string) => boolean,
  isHeader: (name: string) => boolean = () => false,
): Generator<NamedValue> {
  if (!/[=:]/.test(text)) return;
  let from = 0;
  for (const match of text.matchAll(NAME)) {
    const { index, 0: name } = match;
    // Inside of a value that was found already.
    if (index < from || !wanted(name)) continue;
    LINK.lastIndex = index + name.length;
    const link = LINK.exec(text);
    if (!link) continue;
    const [, separator = "", bracket = "", quote] = link;
    let start = LINK.lastIndex;
    let end: number;
    if (quote !== undefined) end = closing(text, bracket === "" ? quote : `${quote}]`, start);
    else {
      // A mask begins with a bracket too, and is no array.
      start -= bracket.length;
      const pattern = separator === ":" && isHeader(name) ? LINE : WORD;
      pattern.lastIndex = start;
      end = start + (pattern.exec(text)?.[0].length ?? 0);
    }
    if (end <= start) continue;
    from = end;
    yield { name, before: text.charAt(index - 1), separator, start, end };
  }
}

/** Where the value ends: at the same quote, unless that is escaped; the text's end where it was cut. */
function closing(text: string, quote: string, from: number): number {
  for (let at = text.indexOf(quote, from); at >= 0; at = text.indexOf(quote, at + 1))
    if (at === from || text[at - 1] !== "\\") return at;
  return text.length;
}
