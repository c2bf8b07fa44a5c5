/** Whether a text is an expression of CEL, the Common Expression Language; its grammar is in the language's definition. */

/** Limits of the reader that Istio uses. */
const MAX_LENGTH = 100_000;
const MAX_DEPTH = 250;

/** What is wrong with an expression's syntax; undefined when nothing is. */
export function celError(text: string): string | undefined {
  if (text.length > MAX_LENGTH) return `it has ${text.length} characters (${MAX_LENGTH} at most)`;
  try {
    const reader = new Reader(tokens(text));
    reader.expression();
    reader.expectEnd();
    return undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return error.message;
    throw error;
  }
}

interface Token {
  readonly kind: "name" | "literal" | "sign" | "end";
  readonly text: string;
  readonly at: number;
}

const SPACE = /(?:[\t\n\f\r ]|\/\/[^\n]*)*/y;
const NAME = /[_a-zA-Z][_a-zA-Z0-9]*/y;
const NUMBER =
  /(?:0x[0-9a-fA-F]+u?|\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?|\d+[uU]?)/y;
const ESCAPE = String.raw`\\(?:[abfnrtv\\?"'${"`"}]|x[0-9a-fA-F]{2}|X[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-3][0-7]{2})`;
const STRING = new RegExp(
  [
    String.raw`(?:[rR][bB]?|[bB][rR])(?:"""[^]*?"""|'''[^]*?'''|"[^"\n\r]*"|'[^'\n\r]*')`,
    String.raw`[bB]?(?:"""(?:${ESCAPE}|[^\\])*?"""|'''(?:${ESCAPE}|[^\\])*?'''|"(?:${ESCAPE}|[^\\"\n\r])*"|'(?:${ESCAPE}|[^\\'\n\r])*')`,
  ].join("|"),
  "y",
);
const SIGN = /&&|\|\||[<>=!]=|[-+*/%!<>?:.,()[\]{}]/y;

function tokens(text: string): Token[] {
  const found: Token[] = [];
  let at = 0;
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const piece = pattern.exec(text)?.[0];
    if (piece !== undefined) at += piece.length;
    return piece;
  };
  for (;;) {
    take(SPACE);
    const start = at;
    if (at >= text.length) return [...found, { kind: "end", text: "the end", at }];
    let kind: Token["kind"] = "literal";
    let piece = take(STRING) ?? take(NUMBER);
    if (piece === undefined) {
      kind = "name";
      piece = take(NAME);
    }
    if (piece === undefined) {
      kind = "sign";
      piece = take(SIGN);
    }
    if (piece === undefined) {
      throw new SyntaxError(`unexpected ${JSON.stringify(text[at])} at column ${at + 1}`);
    }
    if (/^(?:true|false|null)$/.test(piece)) kind = "literal";
    else if (piece === "in") kind = "sign";
    found.push({ kind, text: piece, at: start });
  }
}

/** Words of programming languages that CEL keeps free: they can name fields, and nothing else. */
const RESERVED: ReadonlySet<string> = new Set(
  "as break const continue else for function if import let loop package namespace return var void while".split(
    " ",
  ),
);
/** Signs between operands, all of which associate to the left: for the syntax alone one level will do. */
const BINARY: ReadonlySet<string> = new Set("|| && < <= >= > == != in + - * / %".split(" "));
/** Macros over lists and maps, whose first argument names the element. */
const COMPREHENSIONS: ReadonlySet<string> = new Set([
  "all",
  "exists",
  "exists_one",
  "map",
  "filter",
]);

/** What an operand is, as far as macros ask. */
type Shape = "name" | "field" | "other";

class Reader {
  #next = 0;
  #depth = 0;
  readonly #tokens: readonly Token[];

  constructor(found: readonly Token[]) {
    this.#tokens = found;
  }

  expectEnd(): void {
    if (this.#peek().kind !== "end") this.#unexpected();
  }

  expression(): Shape {
    if (++this.#depth > MAX_DEPTH) throw new SyntaxError("it is nested too deeply");
    let shape = this.#unary();
    while (this.#peek().kind === "sign" && BINARY.has(this.#peek().text)) {
      this.#next++;
      this.#unary();
      shape = "other";
    }
    if (this.#skip("?")) {
      this.expression();
      this.#expect(":");
      this.expression();
      shape = "other";
    }
    this.#depth--;
    return shape;
  }

  #unary(): Shape {
    let signs = 0;
    if (this.#is("!")) while (this.#skip("!")) signs++;
    else while (this.#skip("-")) signs++;
    const shape = this.#member();
    return signs > 0 ? "other" : shape;
  }

  #member(): Shape {
    let shape = this.#primary();
    for (;;) {
      if (this.#skip(".")) {
        const { text } = this.#name();
        shape = "field";
        if (this.#is("(")) {
          this.#call(text, true);
          shape = "other";
        } else if (this.#is("{")) this.#message();
      } else if (this.#skip("[")) {
        this.expression();
        this.#expect("]");
        shape = "other";
      } else if (this.#is("{") && shape === "name") {
        this.#message();
        shape = "other";
      } else return shape;
    }
  }

  #primary(): Shape {
    const token = this.#peek();
    if (token.kind === "literal") {
      this.#next++;
      return "other";
    }
    if (this.#skip("(")) {
      this.expression();
      this.#expect(")");
      return "other";
    }
    if (this.#skip("[")) {
      this.#list("]");
      return "other";
    }
    if (this.#is("{")) {
      this.#message(true);
      return "other";
    }
    const absolute = this.#skip(".");
    const { text } = this.#name();
    if (RESERVED.has(text)) throw new SyntaxError(`${text} is a reserved word`);
    if (!this.#is("(")) return absolute ? "field" : "name";
    this.#call(text, false);
    return "other";
  }

  #call(name: string, ofMember: boolean): void {
    this.#expect("(");
    const { at } = this.#peek();
    const shapes = this.#list(")");
    if (!ofMember && name === "has" && shapes.length === 1 && shapes[0] !== "field") {
      throw new SyntaxError(`has() takes a field, at column ${at + 1}`);
    }
    const lists = ofMember && COMPREHENSIONS.has(name) && shapes.length >= 2;
    if (lists && shapes.length <= (name === "map" ? 3 : 2) && shapes[0] !== "name") {
      throw new SyntaxError(`${name}() takes a name first, at column ${at + 1}`);
    }
  }

  /** Expressions with commas between, up to a closing sign; a list may have one at its end. */
  #list(close: ")" | "]"): Shape[] {
    const shapes: Shape[] = [];
    while (!this.#skip(close)) {
      shapes.push(this.expression());
      if (this.#skip(close)) break;
      this.#expect(",");
      if (close === ")" && this.#is(")")) this.#unexpected();
    }
    return shapes;
  }

  /** `{key: value}` of a map or, after a name, of a message's fields. */
  #message(isMap = false): void {
    this.#expect("{");
    while (!this.#skip("}")) {
      if (isMap) this.expression();
      else this.#name();
      this.#expect(":");
      this.expression();
      if (this.#skip("}")) break;
      this.#expect(",");
    }
  }

  #name(): Token {
    const token = this.#peek();
    if (token.kind !== "name") this.#unexpected();
    this.#next++;
    return token;
  }

  #peek(): Token {
    return this.#tokens[this.#next]!;
  }

  #is(sign: string): boolean {
    const token = this.#peek();
    return token.kind === "sign" && token.text === sign;
  }

  #skip(sign: string): boolean {
    if (!this.#is(sign)) return false;
    this.#next++;
    return true;
  }

  #expect(sign: string): void {
    if (!this.#skip(sign)) this.#unexpected();
  }

  #unexpected(): never {
    const { text, at } = this.#peek();
    throw new SyntaxError(`unexpected ${text} at column ${at + 1}`);
  }
}
