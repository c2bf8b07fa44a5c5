/** JSON Web Keys (RFC 7517): whether a text is a set of them, or one, and what of them a signature is checked with. */

type Members = Readonly<Record<string, unknown>>;

/** Members that a key of each type needs, and the one that only a private key has (RFC 7518, section 6; RFC 8037). */
const TYPES: Readonly<
  Record<string, { readonly needs: readonly string[]; readonly secret: string }>
> = {
  RSA: { needs: ["n", "e"], secret: "d" },
  EC: { needs: ["crv", "x", "y"], secret: "d" },
  OKP: { needs: ["crv", "x"], secret: "d" },
  oct: { needs: ["k"], secret: "k" },
};

/** Members of any key that say which one it is and what it is for. */
const LABELS = ["kty", "kid", "alg", "use", "key_ops"];

/** What is wrong with a text as a key set; undefined when nothing is. */
export function jwksError(text: string): string | undefined {
  const value = parsed(text);
  if (value === undefined) return "it is not JSON";
  const keys = keysOf(value);
  if (keys === undefined) return "it is neither a key nor a set of keys";
  for (const [index, key] of keys.entries()) {
    const wrong = keyError(key);
    if (wrong) return `key ${index} ${wrong}`;
  }
  return undefined;
}

export interface SecretKey {
  /** In the set. */
  readonly index: number;
  /** It has no public part at all: whoever checks signatures with it can make them. */
  readonly shared: boolean;
}

/** Keys that hold private material, in a text that `jwksError` finds nothing wrong with. */
export function secretKeys(text: string): SecretKey[] {
  const keys = keysOf(parsed(text)) ?? [];
  return keys.flatMap((key, index) => {
    const { kty } = key as Members;
    const { secret } = TYPES[kty as string]!;
    return Object.hasOwn(key as Members, secret) ? [{ index, shared: kty === "oct" }] : [];
  });
}

/** Keys of the set that are those of a signature, and how many there are of any kind. */
export interface SigningKeys {
  /** Each with what its signature is checked with, and no more. */
  readonly keys: readonly Members[];
  readonly all: number;
}

/**
 * Undefined for what is no set. Keys that are not understood are passed over, as RFC 7517, section 5, has it, and those that are for
 * encryption. `shared`: secrets that both sides have count too.
 */
export function signingKeys(text: string, { shared = false } = {}): SigningKeys | undefined {
  const all = keysOf(parsed(text));
  if (all === undefined) return undefined;
  const keys = all.flatMap((key) => {
    if (keyError(key) !== undefined) return [];
    const members = key as Members;
    const { kty, use } = members;
    if ((use !== undefined && use !== "sig") || (kty === "oct" && !shared)) return [];
    const wanted = [...LABELS, ...TYPES[kty as string]!.needs];
    return [Object.fromEntries(Object.entries(members).filter(([name]) => wanted.includes(name)))];
  });
  return { keys, all: all.length };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function keysOf(value: unknown): readonly unknown[] | undefined {
  if (!isMembers(value)) return undefined;
  if (Array.isArray(value["keys"])) return value["keys"] as unknown[];
  return "kty" in value ? [value] : undefined;
}

function keyError(key: unknown): string | undefined {
  if (!isMembers(key)) return "is not an object";
  const { kty } = key;
  if (typeof kty !== "string" || !Object.hasOwn(TYPES, kty)) {
    return "has a kty that is none of RSA, EC, OKP and oct";
  }
  const missing = TYPES[kty]!.needs.find((name) => {
    const value = key[name];
    // A curve's name is no number in base64url, but made of the same characters.
    return typeof value !== "string" || !/^[A-Za-z0-9_-]+=*$/.test(value);
  });
  return missing === undefined ? undefined : `has no ${missing}`;
}

function isMembers(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
