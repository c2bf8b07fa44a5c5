/** What is known about every field of every kind, and what is wrong with the suite. */
import type { Row } from "./collect.ts";
import { type NoEffectState, plannedRows, type ProvenKind, provenKinds } from "./kinds.ts";
import { withoutTraffic } from "./without-traffic.ts";

/** Of each kind's name, the fields that lack a row and are let pass. */
export type Unproven = Readonly<Record<string, ReadonlySet<string>>>;

export type FieldState = "works" | "no traffic" | "unproven" | NoEffectState;

export interface CoveredField {
  readonly field: string;
  readonly state: FieldState;
  /** What becomes of some of its values. */
  readonly partly: readonly NoEffectState[];
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
    for (const { field, state, partly, rows: shown } of fields) {
      for (const told of [state, ...partly])
        if (!["no traffic", "unproven"].includes(told) && !shown.some((row) => shows(row, told)))
          problems.push(`${kind.name} ${field} is ${told}, and no test shows it.`);
      if (state === "unproven" && !listed.has(field))
        problems.push(`${kind.name} ${field} has no test that proves it.`);
      if (state !== "unproven" && listed.has(field))
        problems.push(
          `${kind.name} ${field} ${OFF_THE_LIST[state] ?? `is ${state}`}: take it off unproven/${kind.slug}.txt.`,
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

const OFF_THE_LIST: Partial<Record<FieldState, string>> = {
  works: "is proven",
  warned: "is warned of",
  "no traffic": "has no traffic",
};

/** Whether a row's test is the kind of test that a state needs. */
function shows({ state }: Row, needed: FieldState): boolean {
  if (needed === "works" || needed === "in effect from a proxy's start") return state === "works";
  return state === (needed === "refused" ? "refused" : "warned");
}

function covering(kind: ProvenKind, field: string, rows: readonly Row[]): CoveredField {
  const reason = withoutTraffic[kind.name]?.[field];
  const planned = plannedRows(kind, field);
  const whole = planned.find(({ partly }) => !partly);
  if (whole) return { field, state: whole.state, rows, partly: [] };
  const partly = [...new Set(planned.map(({ state }) => state))];
  if (reason !== undefined && rows.length === 0)
    return { field, state: "no traffic", rows, reason, partly };
  const state = rows.find((row) => row.state === "works")?.state ?? rows[0]?.state ?? "unproven";
  return { field, state, rows, partly: partly.filter((each) => each !== state) };
}
