/** Which resources a client's refusal is about. */

export interface Refusal {
  /** Names of refused resources, of those that were sent; empty if the message does not tell. */
  readonly culprits: readonly string[];
  /** What the message says of each of them; the whole of it where that is one text for all. */
  readonly reasons: ReadonlyMap<string, string>;
  /** The client has taken the others of the same response. */
  readonly othersApplied: boolean;
}

/**
 * Envoy applies clusters and listeners one by one and lists those it could not: `Error adding/updating listener(s) a: why\nb: why`. Other messages
 * (a failed constraint, a bad route) refuse the response as a whole, and name a resource at most by chance.
 */
export function readRefusal(message: string, sent: Iterable<string>): Refusal {
  const names = [...sent];
  const othersApplied = message.startsWith("Error adding/updating ");
  if (names.length === 1) {
    return { culprits: names, reasons: reasonsOf(message, names), othersApplied: false };
  }
  const listed = othersApplied
    ? names.filter((name) => listedIn(message, name))
    : names.filter((name) => message.includes(`'${name}'`) || message.includes(`"${name}"`));
  return {
    culprits: listed,
    reasons: reasonsOf(message, listed),
    othersApplied: othersApplied && listed.length > 0,
  };
}

/** `Error adding/updating listener(s) a: why\nb: why` in parts. */
function reasonsOf(message: string, names: readonly string[]): ReadonlyMap<string, string> {
  const list = /^Error adding\/updating [a-z]+\(s\) ([\s\S]*)$/.exec(message)?.[1];
  const places = names
    .flatMap((name) => {
      const at = list === undefined ? -1 : `\n${list}`.indexOf(`\n${name}: `);
      return at < 0 ? [] : [{ name, at, from: at + name.length + 2 }];
    })
    .toSorted((a, b) => a.at - b.at);
  const parts = new Map(
    places.map(({ name, from }, index) => [
      name,
      (list as string).slice(from, places[index + 1]?.at).trim(),
    ]),
  );
  return new Map(names.map((name) => [name, parts.get(name) || message]));
}

/** Preceded by the list's start or a separator and followed by a colon, so that a name inside a longer one does not count. */
function listedIn(message: string, name: string): boolean {
  return ["(s) ", "\n", ", "].some((before) => message.includes(`${before}${name}: `));
}
