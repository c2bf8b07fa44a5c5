/** The kinds whose fields must be proven: all that are translated and that are not Kubernetes' own. */
import { type Kind, kinds, plannedFields } from "@heddle/model";
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

export interface PlannedRow {
  readonly level: "Error" | "Warning" | "Info";
  /** Only some of its values are. */
  readonly partly: boolean;
}

/** What stands in the table of fields that are not yet in effect about a row; undefined where nothing does. */
export function plannedRow({ kind }: ProvenKind, field: string): PlannedRow | undefined {
  const [path = "", value] = field.replaceAll("{}", "").split("=");
  let partly: PlannedRow | undefined;
  for (const planned of plannedFields) {
    if (planned.kind !== kind.kind || !within(path, planned.path)) continue;
    const { level, when } = planned;
    if (!when) return { level, partly: false };
    if (path !== planned.path) continue;
    if (value === undefined) partly = { level, partly: true };
    else if (when(value)) return { level, partly: false };
  }
  return partly;
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
