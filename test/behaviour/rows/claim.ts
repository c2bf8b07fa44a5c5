/** Which rows a test proves, as it writes them: `http[].match[].uri.{exact,prefix}`. */
import { provenKind, plannedRow } from "./kinds.ts";

/** Fields of each kind that a test proves. */
export type Claims = Readonly<Record<string, readonly string[]>>;

declare module "vitest" {
  interface TaskMeta {
    /** Rows that the test proves, spelled out. */
    proves?: Claims;
    /** Rows that it shows to be refused. */
    refuses?: Claims;
    /** Rows that it shows to be warned of. */
    warns?: Claims;
  }
}

/** The rows that claims name, with `{a,b}` spelled out. Throws on a row that does not exist or that is not in effect. */
export function checkedClaims(claims: Claims): Claims {
  return Object.fromEntries(
    Object.entries(claims).map(([name, fields]) => {
      const kind = provenKind(name);
      const rows = fields.flatMap(spelledOut);
      for (const row of rows) {
        if (!kind.fields.includes(row))
          throw new Error(`${name} has no field ${row}${hint(kind.fields, row)}`);
        if (plannedRow(kind, row)?.partly === false)
          throw new Error(`${name} ${row} is in planned.ts, so it has no effect to prove`);
      }
      return [name, rows];
    }),
  );
}

/** `{exact,prefix}` becomes one row each; `{}` stays as it is. */
function spelledOut(pattern: string): readonly string[] {
  const braces = /\{([^{}]+)\}/.exec(pattern);
  if (!braces) return [pattern];
  return (braces[1] ?? "")
    .split(",")
    .flatMap((part) => spelledOut(pattern.replace(braces[0], part.trim())));
}

function hint(fields: readonly string[], row: string): string {
  const below = fields.filter(
    (field) => [".", "[", "=", "{"].includes(field[row.length] ?? "") && field.startsWith(row),
  );
  return below.length > 0 ? `; below it are ${below.join(", ")}` : "";
}
