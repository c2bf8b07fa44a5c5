/** What is known about every field of every kind, and what is wrong with the suite. */
import type { Row } from "./collect.ts";
import { plannedRow, type ProvenKind, provenKinds } from "./kinds.ts";
import { withoutTraffic } from "./without-traffic.ts";

/** Of each kind's name, the fields that lack a row and are let pass. */
export type Unproven = Readonly<Record<string, ReadonlySet<string>>>;

export type FieldState = "works" | "refused" | "warned" | "no traffic" | "unproven";

export interface CoveredField {
  readonly field: string;
  readonly state: FieldState;
  /** Some of its values are refused or warned about. */
  readonly partly?: "refused" | "warned";
  readonly rows: readonly Row[];
  /** Why no request can show it. */
  readonly reason?: string;
}

export interface Coverage {
  readonly kinds: readonly {
    readonly kind: ProvenKind;
    readonly fields: readonly CoveredField[];
  }[];
  /** A sentence each; empty where every field is accounted for. */
  readonly problems: readonly string[];
}

export function coverageOf(rows: readonly Row[], unproven: Unproven): Coverage {
  const problems: string[] = [];
  const covered = provenKinds.map((kind) => {
    const own = Map.groupBy(
      rows.filter((row) => row.kind === kind.name),
      ({ field }) => field,
    );
    const fields = kind.fields.map((field) => covering(kind, field, own.get(field) ?? []));
    const listed = unproven[kind.name] ?? new Set();
    for (const { field, state } of fields) {
      if (state === "unproven" && !listed.has(field))
        problems.push(`${kind.name} ${field} has no test that proves it.`);
      if (state !== "unproven" && listed.has(field))
        problems.push(
          `${kind.name} ${field} ${OFF_THE_LIST[state]}: take it off unproven/${kind.slug}.txt.`,
        );
    }
    for (const [list, names] of [
      [`unproven/${kind.slug}.txt`, listed],
      ["rows/without-traffic.ts", Object.keys(withoutTraffic[kind.name] ?? {})],
    ] as const)
      for (const field of names)
        if (!kind.fields.includes(field))
          problems.push(`${kind.name} has no field ${field}: take it off ${list}.`);
    return { kind, fields };
  });
  return { kinds: covered, problems };
}

const OFF_THE_LIST: Readonly<Record<Exclude<FieldState, "unproven">, string>> = {
  works: "is proven",
  refused: "is refused",
  warned: "is warned of",
  "no traffic": "has no traffic",
};

function covering(kind: ProvenKind, field: string, rows: readonly Row[]): CoveredField {
  const reason = withoutTraffic[kind.name]?.[field];
  const planned = plannedRow(kind, field);
  const word = planned && (planned.level === "Error" ? "refused" : "warned");
  if (word && !planned?.partly) return { field, state: word, rows: [] };
  if (reason !== undefined && rows.length === 0)
    return { field, state: "no traffic", rows, reason };
  return {
    field,
    state: rows[0]?.state ?? "unproven",
    rows,
    ...(word ? { partly: word } : {}),
  };
}
