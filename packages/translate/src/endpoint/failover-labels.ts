/** The client's labels that a `failoverPriority` compares. */

/** Entries with a value of their own (`name=value`) are not asked of the client. */
export function labelsCompared(failoverPriority: readonly string[] = []): readonly string[] {
  return failoverPriority.filter((each) => !each.includes("="));
}
