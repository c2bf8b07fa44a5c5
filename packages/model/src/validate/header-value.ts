/** Values of headers that are set: text, and variables in Envoy's form, `%NAME%`, `%NAME(…)%` and `%NAME(…):LENGTH%`. */

/** What is wrong with a value, to follow "the value of header x"; undefined when nothing is. */
export function headerValueError(value: string): string | undefined {
  for (let at = value.indexOf("%"); at >= 0; at = value.indexOf("%", at)) {
    if (value[at + 1] === "%") {
      at += 2;
      continue;
    }
    const end = variableEnd(value, at + 1);
    if (end === undefined) return `has a stray %: "${value.slice(0, 80)}"`;
    at = end;
  }
  return undefined;
}

/** Where the variable that begins here has ended, behind its closing percent sign. */
function variableEnd(value: string, from: number): number | undefined {
  let at = from;
  while (at < value.length && value[at] !== "%" && value[at] !== "(") at++;
  if (value[at] === "(") {
    const close = argumentsEnd(value, at + 1);
    if (close === undefined) return undefined;
    at = skipSpaces(value, close);
    if (value[at] === ":") while (/\d/.test(value[++at] ?? "")) continue;
  }
  return value[at] === "%" ? at + 1 : undefined;
}

/** Behind the closing parenthesis of a variable's arguments: a list of strings in brackets, or any text. */
function argumentsEnd(value: string, from: number): number | undefined {
  let at = skipSpaces(value, from);
  if (value[at] !== "[") return textEnd(value, at, ")");
  for (;;) {
    at = skipSpaces(value, at + 1);
    if (value[at] !== '"') return undefined;
    const end = textEnd(value, at + 1, '"');
    if (end === undefined) return undefined;
    at = skipSpaces(value, end);
    if (value[at] === "]") break;
    if (value[at] !== ",") return undefined;
  }
  at = skipSpaces(value, at + 1);
  return value[at] === ")" ? at + 1 : undefined;
}

/** Behind a closing sign that no backslash stands before. */
function textEnd(value: string, from: number, close: string): number | undefined {
  for (let at = from; at < value.length; at++) {
    if (value[at] === "\\") at++;
    else if (value[at] === close) return at + 1;
  }
  return undefined;
}

function skipSpaces(value: string, from: number): number {
  let at = from;
  while (value[at] === " ") at++;
  return at;
}
