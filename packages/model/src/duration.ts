/** Durations as Kubernetes and Istio write them: Go's form, `1h30m`, `1.5s`, `250ms`. */

const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

// Escaped: a bundle with one letter beyond Latin 1 in it takes twice its size in memory.
const PART = /(\d+(?:\.\d*)?|\.\d+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h)/g;
const WHOLE = new RegExp(`^[+-]?(?:${PART.source})+$`);

/**
 * Milliseconds of a duration such as `1h30m`, `1.5s` or `0`.
 * @throws RangeError when the text is no duration.
 */
export function parseDuration(text: string): number {
  const milliseconds = durationOf(text);
  if (milliseconds === undefined) {
    throw new RangeError(`"${text}" is not a duration: write it like 5s, 250ms or 1h30m`);
  }
  return milliseconds;
}

/** What Go's durations and Kubernetes' hold: 2^63 nanoseconds, some 292 years. */
const LONGEST_MS = 2 ** 63 / 1e6;

/** Milliseconds of a duration, undefined when the text is none, or one that is too long. */
export function durationOf(text: string): number | undefined {
  if (/^[+-]?0$/.test(text)) return 0;
  if (!WHOLE.test(text)) return undefined;
  let sum = 0;
  for (const [, number, unit] of text.matchAll(PART))
    sum += Number(number) * UNIT_MS[unit as string]!;
  if (sum > LONGEST_MS) return undefined;
  return text.startsWith("-") ? -sum : sum;
}

/** Protobuf JSON's form of a duration, `5s`, `0.250s`; what Envoy reads. */
export function protoDuration(text: string): string {
  return millisecondsToProto(parseDuration(text));
}

/** Milliseconds as protobuf JSON writes a duration. */
export function millisecondsToProto(milliseconds: number): string {
  const nanoseconds = Math.round(milliseconds * 1e6);
  const seconds = Math.trunc(nanoseconds / 1e9);
  const rest = Math.abs(nanoseconds % 1e9);
  if (rest === 0) return `${seconds}s`;
  const sign = nanoseconds < 0 && seconds === 0 ? "-" : "";
  return `${sign}${seconds}.${String(rest)
    .padStart(9, "0")
    .replace(/(?:000)+$/, "")}s`;
}
