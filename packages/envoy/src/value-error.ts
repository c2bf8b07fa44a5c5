/** What is wrong with a value that cannot become a message, and where in it. */

/** Stable codes of this package. */
export type ValueErrorCode =
  /** A field that the message does not have. */
  | "HDL3001"
  /** A value of the wrong kind or out of range. */
  | "HDL3002"
  /** A name that the enum does not have. */
  | "HDL3003"
  /** A message type that the API does not have, or an Any without `@type`. */
  | "HDL3004"
  /** Two fields of one oneof, or one field under both its names. */
  | "HDL3005"
  /** Bytes that are not a message. */
  | "HDL3006";

/** Thrown by `encode` and `decode`; `path` leads from the message to the place, `""` being the message itself. */
export class ValueError extends Error {
  override readonly name = "ValueError";
  readonly code: ValueErrorCode;
  readonly problem: string;
  readonly remedy: string;
  typeName = "";
  path = "";

  constructor(code: ValueErrorCode, problem: string, remedy: string) {
    super();
    this.code = code;
    this.problem = problem;
    this.remedy = remedy;
  }

  override get message(): string {
    const place = this.path === "" ? this.typeName : `${this.typeName} at ${this.path}`;
    return `${this.code} ${place}: ${this.problem}; ${this.remedy}`;
  }
}

/** Adds one step (field name, list index, map key in brackets) in front of an error's path; other errors stay as they are. */
export function within(error: unknown, step: string): unknown {
  if (error instanceof ValueError) {
    error.path =
      error.path === "" || error.path.startsWith("[") ? step + error.path : `${step}.${error.path}`;
  }
  return error;
}

/** The candidate that a mistyped name most likely meant: the least edit distance, at most a third of its length. */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let least = Math.max(1, Math.floor(name.length / 3)) + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - name.length) >= least) continue;
    const found = distance(name.toLowerCase(), candidate.toLowerCase());
    if (found < least) [best, least] = [candidate, found];
  }
  return best;
}

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitution, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
