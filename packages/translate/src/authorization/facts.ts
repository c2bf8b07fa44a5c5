/** What is known of a request or connection when rules are judged without a proxy. */
import { JWT_FILTER, TOKEN_PAYLOAD } from "../filter/names.ts";

export interface Facts {
  /** Names in lower case, `:method`, `:path` and `:authority` among them. */
  readonly headers: Readonly<Record<string, string>>;
  /** Names in the certificate of the connection; none: it has none. */
  readonly identities: readonly string[] | undefined;
  readonly directRemoteAddress: string | undefined;
  readonly remoteAddress: string | undefined;
  readonly localAddress: string | undefined;
  readonly localPort: number;
  /** Empty without TLS. */
  readonly serverName: string | undefined;
  /** What filters before have left, by their names. */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Whether there are no more headers than these, and no more metadata; else what is not among them nobody knows. */
  readonly complete: { readonly headers: boolean; readonly metadata: boolean };
}

/** `absent` is known not to be there; undefined: nobody knows. */
export type Known<T> = T | typeof ABSENT | undefined;
export const ABSENT: unique symbol = Symbol("absent");

export function headerOf({ headers, complete }: Facts, name: string): Known<string> {
  const value = headers[name.toLowerCase()];
  if (value !== undefined) return value;
  // Every request has these.
  return complete.headers && !name.startsWith(":") ? ABSENT : undefined;
}

/** What a filter has left at the end of a path of keys. */
export function metadataOf(
  { metadata, complete }: Facts,
  filter: string,
  path: readonly string[],
): Known<NonNullable<unknown>> {
  if (!Object.hasOwn(metadata, filter)) return complete.metadata ? ABSENT : undefined;
  const found = path.reduce<unknown>(
    (inner, key) =>
      typeof inner === "object" &&
      inner !== null &&
      !Array.isArray(inner) &&
      Object.hasOwn(inner, key)
        ? (inner as Record<string, unknown>)[key]
        : undefined,
    metadata[filter],
  );
  return found ?? ABSENT;
}

type Says = (facts: Facts) => readonly string[] | undefined;

/** What people are told of a fact: nothing where it is not there. */
export function said(
  of: "directRemoteAddress" | "remoteAddress" | "localAddress" | "serverName",
): Says {
  return (facts) => {
    const value = facts[of];
    return value === undefined ? undefined : value === "" ? [] : [value];
  };
}

export function headerSaid(name: string): Says {
  return (facts) => listed(headerOf(facts, name));
}

export function metadataSaid(filter: string, path: readonly string[]): Says {
  return (facts) => listed(metadataOf(facts, filter, path));
}

/** Claims of the token, with slashes between several. */
export function tokenSaid(...paths: readonly (readonly string[])[]): Says {
  return (facts) => {
    const values = paths.map((path) =>
      listed(metadataOf(facts, JWT_FILTER, [TOKEN_PAYLOAD, ...path])),
    );
    if (values.some((each) => each === undefined)) return undefined;
    const [first = [], ...rest] = values as (readonly string[])[];
    return rest.length === 0
      ? first
      : values.every((each) => each?.length)
        ? [values.join("/")]
        : [];
  };
}

function listed(value: Known<NonNullable<unknown>>): readonly string[] | undefined {
  if (value === undefined) return undefined;
  if (value === ABSENT) return [];
  return (Array.isArray(value) ? value : [value]).map((each) =>
    typeof each === "string" ? each : JSON.stringify(each),
  );
}
