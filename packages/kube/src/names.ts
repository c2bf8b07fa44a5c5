/** How Heddle's own objects in a cluster are called and marked, so that everybody knows them: its installer, its agents, people. */

/** On the parts of an agent's state that do not fit into one Secret: the name of the first. */
export const STATE_PART_LABEL = "heddle.dev/state-of";

/** On everything that Heddle installs or makes. */
export const OWN_LABELS = {
  "app.kubernetes.io/managed-by": "heddle",
  "app.kubernetes.io/part-of": "heddle",
} as const;

/** Whether an object of these labels was made by Heddle. */
export function isOwn(labels: Readonly<Record<string, string>> | undefined): boolean {
  return labels?.["app.kubernetes.io/managed-by"] === "heddle";
}

/** Revisions lie side by side: every name but the usual revision's says whose it is. */
export function ofRevision(name: string, revision: string): string {
  return revision === "default" ? name : `${name}-${revision}`;
}
