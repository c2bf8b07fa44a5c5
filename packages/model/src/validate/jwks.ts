/** JSON Web Keys (RFC 7517): whether a text is a set of them, or one. */

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

/** What is wrong with a text as a key set; undefined when nothing is. */
export function jwksError(text: string): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return "it is not JSON";
  }
  const keys = keysOf(value);
  if (keys === undefined) return "it is neither a key nor a set of keys";
  for (const [index, key] of keys.entries()) {
    const wrong = keyError(key);
    if (wrong) return `key ${index} ${wrong}`;
  }
  return undefined;
}

/** Positions of keys that hold private material, in a text that `jwksError` finds nothing wrong with. */
export function privateKeys(text: string): number[] {
  const keys = keysOf(JSON.parse(text)) ?? [];
  return keys.flatMap((key, index) => {
    const { kty } = key as Members;
    const { secret } = TYPES[kty as string]!;
    return Object.hasOwn(key as Members, secret) ? [index] : [];
  });
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
    return typeof value !== "string" || !/^[A-Za-z0-9_-]+=*$/.test(value);
  });
  return missing === undefined ? undefined : `has no ${missing}`;
}

function isMembers(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
