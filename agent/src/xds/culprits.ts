/** Which resources a client's refusal is about. */

export interface Refusal {
  /** Names of refused resources, of those that were sent; empty if the message does not tell. */
  readonly culprits: readonly string[];
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
  if (names.length === 1) return { culprits: names, othersApplied: false };
  const listed = othersApplied
    ? names.filter((name) => listedIn(message, name))
    : names.filter((name) => message.includes(`'${name}'`) || message.includes(`"${name}"`));
  return { culprits: listed, othersApplied: othersApplied && listed.length > 0 };
}

/** Preceded by the list's start or a separator and followed by a colon, so that a name inside a longer one does not count. */
function listedIn(message: string, name: string): boolean {
  return ["(s) ", "\n", ", "].some((before) => message.includes(`${before}${name}: `));
}
