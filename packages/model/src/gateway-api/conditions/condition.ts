/** Conditions: what a controller says of an object, in the Gateway API's own words. */

export interface Condition {
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  readonly reason: string;
  readonly message: string;
  /** Where in the object the reason stands, `spec.listeners[0]`. */
  readonly path?: string;
}

export function holds(type: string, reason: string, message = ""): Condition {
  return { type, status: "True", reason, message };
}

export function fails(type: string, reason: string, message: string, path?: string): Condition {
  return { type, status: "False", reason, message, ...(path === undefined ? {} : { path }) };
}

/** Whether a condition tells of something wrong: some say so by being true. */
export function isProblem({ type, status }: Condition): boolean {
  const bad = type === "Conflicted" || type === "PartiallyInvalid" ? "True" : "False";
  return status === bad;
}
