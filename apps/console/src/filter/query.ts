/**
 * The filter language of graph, tables and logs: words and comparisons, all of which must hold.
 * `errors > 1%`, `p95 > 300ms`, `ns = shop`, `!mtls`, `status >= 500`, `path ~ /api`, `reviews`.
 */

export type Operator = "=" | "!=" | ">" | ">=" | "<" | "<=" | "~";

type Term =
  | { kind: "word"; text: string; negated: boolean }
  | { kind: "flag"; field: string; negated: boolean }
  | { kind: "compare"; field: string; operator: Operator; value: string };

export interface Query {
  terms: Term[];
  /** What is wrong with the text, in words; the terms that could be read still hold. */
  problems: string[];
}

/** Milliseconds, shares from 0 to 1, and plain numbers are told apart by the field. */
type FieldType = "text" | "number" | "share" | "duration" | "flag";

/** What can be asked of one kind of row. */
export interface Field<Row> {
  name: string;
  /** Other names by which people ask. */
  aliases?: readonly string[];
  type: FieldType;
  /** For completion: what the field says. */
  about: string;
  read: (row: Row) => string | number | boolean | null | undefined;
}

const token = /"([^"]*)"|(!=|>=|<=|[=<>~])|([^\s=<>~!"]+|!(?!=))/g;

/** Parses filter text against the fields of a page. Never throws: what is not understood is named in `problems`. */
export function parseQuery<Row>(text: string, fields: readonly Field<Row>[]): Query {
  const tokens = [...text.matchAll(token)].map((match) => ({
    quoted: match[1] !== undefined,
    text: match[1] ?? match[2] ?? match[3] ?? "",
    operator: match[2] as Operator | undefined,
  }));
  const query: Query = { terms: [], problems: [] };
  for (let at = 0; at < tokens.length; at++) {
    let item = tokens[at]!;
    if (item.operator) {
      query.problems.push(`“${item.text}” has nothing before it`);
      continue;
    }
    const negated = !item.quoted && item.text === "!";
    if (negated) {
      const next = tokens[++at];
      if (!next || next.operator) {
        query.problems.push("“!” has nothing after it");
        continue;
      }
      item = next;
    }
    const field = item.quoted ? undefined : findField(item.text, fields);
    const operator = tokens[at + 1]?.operator;
    if (operator) {
      const value = tokens[at + 2];
      at += value && !value.operator ? 2 : 1;
      readComparison(
        query,
        item.text,
        field,
        operator,
        value && !value.operator ? value.text : undefined,
        negated,
        fields,
      );
      continue;
    }
    if (field?.type === "flag") query.terms.push({ kind: "flag", field: field.name, negated });
    else query.terms.push({ kind: "word", text: item.text.toLowerCase(), negated });
  }
  return query;
}

/** Whether a row fulfils every term; a word is looked for in all text fields. */
export function matches<Row>(query: Query, row: Row, fields: readonly Field<Row>[]): boolean {
  return query.terms.every((term) => {
    if (term.kind === "word") {
      const found = fields.some(
        (field) =>
          field.type === "text" &&
          String(field.read(row) ?? "")
            .toLowerCase()
            .includes(term.text),
      );
      return found !== term.negated;
    }
    const field = findField(term.field, fields);
    if (!field) return true;
    const actual = field.read(row);
    if (term.kind === "flag") return Boolean(actual) !== term.negated;
    return compare(actual, term.operator, term.value, field.type);
  });
}

/** The text with one more term, or unchanged where it already says so. */
export function addTerm(
  text: string,
  field: string,
  operator: Operator,
  value: string | number,
): string {
  const written =
    /[\s=<>~!"]/.test(String(value)) || value === ""
      ? `"${String(value).replaceAll('"', "")}"`
      : String(value);
  const term = `${field} ${operator} ${written}`;
  return text.includes(term) ? text : `${text.trim()} ${term}`.trim();
}

/** What may come at the end of the text being typed: field names for a started word. */
export function completions<Row>(
  text: string,
  fields: readonly Field<Row>[],
): { insert: string; about: string }[] {
  const started = /(?:^|\s)(!?)([a-z0-9_.]*)$/i.exec(text);
  if (!started || /[=<>~]\s*$/.test(text)) return [];
  const [, bang = "", word = ""] = started;
  const before = text.slice(0, text.length - bang.length - word.length);
  return fields
    .filter(
      (field) =>
        field.name.startsWith(word.toLowerCase()) && (bang === "" || field.type === "flag"),
    )
    .map((field) => ({
      insert: before + bang + field.name + suffix(field.type, bang),
      about: field.about,
    }));
}

function suffix(type: FieldType, bang: string): string {
  if (type === "flag") return bang === "" ? " " : " ";
  return type === "text" ? " = " : " > ";
}

function findField<Row>(name: string, fields: readonly Field<Row>[]): Field<Row> | undefined {
  const wanted = name.toLowerCase();
  return fields.find((field) => field.name === wanted || field.aliases?.includes(wanted));
}

function readComparison<Row>(
  query: Query,
  name: string,
  field: Field<Row> | undefined,
  operator: Operator,
  value: string | undefined,
  negated: boolean,
  fields: readonly Field<Row>[],
): void {
  if (!field) {
    query.problems.push(
      `“${name}” is not a field; there are ${fields.map((known) => known.name).join(", ")}`,
    );
    return;
  }
  if (value === undefined) {
    query.problems.push(`“${name} ${operator}” lacks a value`);
    return;
  }
  if (field.type !== "text" && field.type !== "flag" && Number.isNaN(quantity(value, field.type))) {
    query.problems.push(
      `“${value}” is not a ${field.type === "share" ? "percentage" : field.type}`,
    );
    return;
  }
  query.terms.push({
    kind: "compare",
    field: field.name,
    operator: negated ? opposite[operator] : operator,
    value,
  });
}

const opposite: Record<Operator, Operator> = {
  "=": "!=",
  "!=": "=",
  ">": "<=",
  ">=": "<",
  "<": ">=",
  "<=": ">",
  "~": "!=",
};

function compare(
  actual: string | number | boolean | null | undefined,
  operator: Operator,
  value: string,
  type: FieldType,
): boolean {
  if (type === "text" || type === "flag") {
    const left = String(actual ?? "").toLowerCase();
    const right = value.toLowerCase();
    if (operator === "=") return left === right;
    if (operator === "!=") return left !== right;
    if (operator === "~") return left.includes(right);
    return operator.startsWith(">") ? left >= right : left <= right;
  }
  // A value that is not there is neither above nor below anything.
  if (actual === null || actual === undefined) return operator === "!=";
  const left = Number(actual);
  const right = quantity(value, type);
  if (operator === "=") return left === right;
  if (operator === "!=") return left !== right;
  if (operator === ">") return left > right;
  if (operator === ">=") return left >= right;
  if (operator === "<") return left < right;
  if (operator === "<=") return left <= right;
  return String(left).includes(value);
}

/** Reads `1%`, `0.01`, `300ms`, `1.5s`, `200us`, `42`, `2k` in the field's own unit; NaN where it is none. */
function quantity(text: string, type: FieldType): number {
  const parts = /^(-?\d+(?:\.\d+)?)\s*(%|ns|us|µs|ms|s|m|min|h|k)?$/.exec(text);
  if (!parts) return Number.NaN;
  const number = Number(parts[1]);
  const unit = parts[2] ?? "";
  if (type === "share") return unit === "%" ? number / 100 : unit === "" ? number : Number.NaN;
  if (type === "duration") {
    const scale = {
      "": 1,
      ns: 1e-6,
      us: 1e-3,
      µs: 1e-3,
      ms: 1,
      s: 1000,
      m: 60_000,
      min: 60_000,
      h: 3_600_000,
    }[unit];
    return scale === undefined ? Number.NaN : number * scale;
  }
  return unit === "k" ? number * 1000 : unit === "" ? number : Number.NaN;
}
