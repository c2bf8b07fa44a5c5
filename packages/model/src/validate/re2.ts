/** Whether a regular expression is one of RE2, which Envoy matches with. Its syntax is https://github.com/google/re2/wiki/Syntax. */

/** Istio's limit: the length stands in for RE2's program size. */
const MAX_LENGTH = 1024;
/** RE2 refuses larger counted repetitions, and those within each other that come to more. */
const MAX_REPEAT = 1000;

/** What is wrong with a pattern, or undefined. */
export function regexError(pattern: string): string | undefined {
  if (pattern === "") return "a regular expression is empty";
  if (pattern.length > MAX_LENGTH) {
    return `a regular expression has ${pattern.length} characters (${MAX_LENGTH} at most)`;
  }
  try {
    const end = alternatives(scanOf(pattern), 0);
    return end < pattern.length ? "unexpected )" : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return error.message;
    throw error;
  }
}

/** Steps that the program of a pattern without error has, about: what is repeated counts as often as it may stand there. */
export function regexSize(pattern: string): number {
  const scan = scanOf(pattern);
  alternatives(scan, 0);
  return scan.size;
}

const scanOf = (text: string): Scan => ({ text, depth: 0, copies: 1, size: 0 });

interface Scan {
  readonly text: string;
  depth: number;
  /** Of what was read last. */
  size: number;
  /** How often counted repetitions make RE2 write out what was read last, at its most repeated place. */
  copies: number;
}

/** Deeper nesting than anybody writes; keeps the recursion bounded. */
const MAX_DEPTH = 200;

/** Reads `a|b|c` up to a closing parenthesis or the end, and says where it stopped. */
function alternatives(scan: Scan, from: number): number {
  if (++scan.depth > MAX_DEPTH) throw new SyntaxError("groups are nested too deeply");
  const { text } = scan;
  let at = from;
  // Whether there is something before `at` that may be repeated.
  let operand = false;
  let repeated = false;
  let most = 1;
  let size = 0;
  // Of the operand before `at`.
  let last = 0;
  while (at < text.length && text[at] !== ")") {
    const char = text[at]!;
    const counted = char === "{" ? /^\{(\d+)(?:,(\d*))?\}/.exec(text.slice(at)) : null;
    if (char === "*" || char === "+" || char === "?" || counted) {
      const operator = counted?.[0] ?? char;
      if (!operand) throw new SyntaxError(`nothing to repeat before ${operator}`);
      if (repeated) throw new SyntaxError(`bad repetition ${operator}`);
      if (counted) {
        const { written, copies } = checkedCount(counted, scan.copies);
        scan.copies *= copies;
        size += last * Math.max(0, written - 1);
      }
      most = Math.max(most, scan.copies);
      at += operator.length;
      if (text[at] === "?") at++;
      repeated = true;
      continue;
    }
    repeated = false;
    scan.copies = 1;
    if (char === "|") {
      operand = false;
      at++;
      size++;
      continue;
    }
    if (char === "(") {
      const opened = group(text, at);
      at = opened.at;
      // A group of flags alone, `(?i)`, is not something to repeat, and says nothing about what came before.
      if (!opened.flagsOnly) {
        at = alternatives(scan, at);
        if (text[at] !== ")") throw new SyntaxError("missing )");
        at++;
        most = Math.max(most, scan.copies);
        last = scan.size + 1;
        size += last;
      }
      operand = !opened.flagsOnly;
      continue;
    }
    if (char === "[") at = characterClass(text, at);
    else if (char === "\\") at = escape(text, at, false);
    else at++;
    operand = true;
    last = 1;
    size++;
  }
  scan.depth--;
  scan.copies = most;
  scan.size = size;
  return at;
}

/** `before`: how often what is repeated is written out already. Zero times are once to RE2, as far as copies go. */
function checkedCount(
  [whole, low, high]: RegExpExecArray,
  before: number,
): { readonly written: number; readonly copies: number } {
  const least = Number(low);
  const most = high ? Number(high) : least;
  if (least > MAX_REPEAT || most > MAX_REPEAT || most < least) {
    throw new SyntaxError(`bad repeat count ${whole} (${MAX_REPEAT} at most)`);
  }
  const copies = Math.max(most, 1);
  if (copies * before > MAX_REPEAT) {
    const message = `${whole} repeats what is repeated ${before} times already`;
    throw new SyntaxError(`${message} (${MAX_REPEAT} at most in all)`);
  }
  return { written: most, copies };
}

/** Reads what follows an opening parenthesis: a capture, a name, or flags. */
function group(text: string, at: number): { at: number; flagsOnly: boolean } {
  if (text[at + 1] !== "?") return { at: at + 1, flagsOnly: false };
  const rest = text.slice(at);
  const named = /^\(\?P?<[A-Za-z_]\w*>/.exec(rest);
  if (named) return { at: at + named[0].length, flagsOnly: false };
  const flags = /^\(\?[imsU]*(?:-[imsU]+)?([:)])/.exec(rest);
  if (!flags || flags[0] === "(?)") {
    throw new SyntaxError(`RE2 has no ${rest.slice(0, rest.startsWith("(?<") ? 4 : 3)}`);
  }
  return { at: at + flags[0].length, flagsOnly: flags[1] === ")" };
}

const POSIX_CLASS =
  /^\[:\^?(?:alnum|alpha|ascii|blank|cntrl|digit|graph|lower|print|punct|space|upper|word|xdigit):\]/;

function characterClass(text: string, from: number): number {
  let at = from + 1;
  if (text[at] === "^") at++;
  let first = true;
  while (first || text[at] !== "]") {
    if (at >= text.length) throw new SyntaxError("missing ]");
    first = false;
    const posix = POSIX_CLASS.exec(text.slice(at));
    if (posix) {
      at += posix[0].length;
      continue;
    }
    if (text.startsWith("[:", at) && text.includes(":]", at)) {
      throw new SyntaxError("there is no such character class");
    }
    const low = text[at]!;
    at = low === "\\" ? escape(text, at, true) : at + 1;
    if (text[at] === "-" && at + 1 < text.length && text[at + 1] !== "]") {
      const high = text[at + 1]!;
      const plain = low !== "\\" && high !== "\\";
      if (plain && high < low) throw new SyntaxError(`bad range ${low}-${high}`);
      at = high === "\\" ? escape(text, at + 1, true) : at + 2;
    }
  }
  return at + 1;
}

const ESCAPES =
  /^\\(?:[pP](?:[A-Z]|\{\^?[A-Za-z_]+\})|x(?:[0-9A-Fa-f]{2}|\{[0-9A-Fa-f]{1,6}\})|[1-7][0-7]{2}|0[0-7]{0,2}|[dDsSwWaftnrv]|[^A-Za-z0-9])/s;
/** Positions, which a class of characters cannot hold, and a quotation. */
const OUTSIDE = /^\\(?:[AzbBC]|Q(?:(?!\\E).)*(?:\\E)?)/s;

function escape(text: string, at: number, inClass: boolean): number {
  const rest = text.slice(at);
  const found = ESCAPES.exec(rest) ?? (inClass ? null : OUTSIDE.exec(rest));
  if (found) return at + found[0].length;
  if (rest === "\\") throw new SyntaxError("a backslash stands at the end");
  if (/^\\[1-9]/.test(rest)) throw new SyntaxError("RE2 has no references back to a group");
  throw new SyntaxError(`RE2 has no ${rest.slice(0, 2)}`);
}
