/** Stored documents as people read them. */
import { stringify } from "yaml";
import type { Document } from "./state.ts";

/** YAML with Kubernetes' usual order of members. */
export function documentYaml(document: Document): string;
export function documentYaml(document: Document | null): string | null;
export function documentYaml(document: Document | null): string | null {
  if (document === null) return null;
  const { apiVersion, kind, metadata, ...rest } = document;
  const { name, namespace, labels, annotations, ...others } = (metadata ?? {}) as Record<
    string,
    unknown
  >;
  const ordered = { name, namespace, labels, annotations, ...(sorted(others) as object) };
  return stringify(
    dropUndefined({
      apiVersion,
      kind,
      metadata: dropUndefined(ordered),
      ...(sorted(rest) as object),
    }),
    { aliasDuplicateObjects: false, lineWidth: 0 },
  );
}

/** The database keeps no order of members, so a stable one is given. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== "object") return value;
  const members = Object.entries(value).toSorted(
    ([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1),
  );
  return Object.fromEntries(members.map(([name, member]) => [name, sorted(member)]));
}

/** What tells an item apart stands first. */
const FIRST = [
  "name",
  "host",
  "hosts",
  "gateways",
  "selector",
  "number",
  "port",
  "match",
  "route",
  "destination",
];
const rank = (name: string) => {
  const index = FIRST.indexOf(name);
  return index < 0 ? FIRST.length : index;
};

function dropUndefined(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined));
}
