/** The kinds whose fields must be proven: all that are translated and that are not Kubernetes' own. */
import { type Kind, kinds, type PlannedField, plannedFields } from "@heddle/model";
import { fieldsOf } from "./fields.ts";

export interface ProvenKind {
  /** What rows call it: its kind, with the group in front where two groups have a kind of that name and Istio's is meant less. */
  readonly name: string;
  /** The name in files: `virtual-service`. */
  readonly slug: string;
  readonly kind: Kind;
  readonly fields: readonly string[];
}

const GATEWAY_API = "gateway.networking.k8s.io";
// Kubernetes owns them, and their fields are rules of traffic all the same.
const FOREIGN: ReadonlySet<string> = new Set(["Ingress"]);

export const provenKinds: readonly ProvenKind[] = kinds
  .filter(({ feature, foreign, kind }) => feature === "full" && (!foreign || FOREIGN.has(kind)))
  .map((kind) => {
    const name = nameOf(kind);
    const slug = name
      .replace(`${GATEWAY_API}/`, "Gateway-Api")
      .replace(/(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/g, "-")
      .toLowerCase();
    return { name, slug, kind, fields: fieldsOf(kind.schema) };
  });

const byName = new Map(provenKinds.map((proven) => [proven.name, proven]));

/** Throws where no kind of that name has rows. */
export function provenKind(name: string): ProvenKind {
  const found = byName.get(name);
  if (found) return found;
  throw new Error(`${name} is no kind with rows; there are ${[...byName.keys()].join(", ")}`);
}

/** A row that no running proxy follows, as coverage calls it. */
export type NoEffectState =
  | "refused"
  | "warned"
  | "of no effect in Istio either"
  | "no waypoints here"
  | "in effect from a proxy's start"
  | "collected by the agent";

export interface PlannedRow {
  readonly planned: PlannedField;
  readonly state: NoEffectState;
  /** Only some of its values are. */
  readonly partly: boolean;
}

/** What stands in the table of fields that are not in effect about a row. */
export function plannedRows({ kind }: ProvenKind, field: string): readonly PlannedRow[] {
  const [path = "", value] = field.replaceAll("{}", "").split("=");
  return plannedFields.flatMap((planned): PlannedRow[] => {
    if (planned.kind !== kind.kind || !within(path, planned.path)) return [];
    const found = { planned, state: stateOf(planned) };
    const { when } = planned;
    if (!when) return [{ ...found, partly: false }];
    // Which values those are is known of a field's own row alone, and holds for some of what is below it.
    if (path !== planned.path || value === undefined) return [{ ...found, partly: true }];
    return when(value) ? [{ ...found, partly: false }] : [];
  });
}

function stateOf({ level, because = "planned" }: PlannedField): NoEffectState {
  if (because === "inert") return "of no effect in Istio either";
  if (because === "no waypoints") return "no waypoints here";
  if (because === "at start" || because === "injected") return "in effect from a proxy's start";
  if (because === "collected") return "collected by the agent";
  return level === "Error" ? "refused" : "warned";
}

function within(path: string, planned: string): boolean {
  return (
    planned !== "" &&
    (path === planned || path.startsWith(`${planned}.`) || path.startsWith(`${planned}[]`))
  );
}

function nameOf({ group, kind }: Kind): string {
  const twins = kinds.filter((other) => other.kind === kind);
  return twins.length > 1 && group === GATEWAY_API ? `${group}/${kind}` : kind;
}
