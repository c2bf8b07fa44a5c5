/** Which rows a test proves, as it writes them: `http[].match[].uri.{exact,prefix}`. */
import { plannedRows, provenKind } from "./kinds.ts";

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

/**
 * The rows that claims name, with `{a,b}` spelled out. Throws on a row that does not exist, and on one that is said to work
 * and is not in effect in any running proxy.
 */
export function checkedClaims(claims: Claims, says: "works" | "told of" = "works"): Claims {
  return Object.fromEntries(
    Object.entries(claims).map(([name, fields]) => {
      const kind = provenKind(name);
      const rows = fields.flatMap(spelledOut);
      for (const row of rows) {
        if (!kind.fields.includes(row))
          throw new Error(`${name} has no field ${row}${hint(kind.fields, row)}`);
        const none = plannedRows(kind, row).find(({ partly }) => !partly);
        if (
          says === "works" &&
          none &&
          none.planned.because !== "at start" &&
          none.planned.because !== "injected"
        )
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
