/** JSON Web Keys (RFC 7517): whether a text is a set of them, or one, and which of them signatures are checked with. */
import { isOnCurve } from "./elliptic-curve.ts";

type Members = Readonly<Record<string, unknown>>;

interface KeyType {
  /** Members that a key of the type needs (RFC 7518, section 6; RFC 8037). */
  readonly needs: readonly string[];
  /** The one that only a private key has. */
  readonly secret: string;
  /** What signatures are made with, by the algorithm that a key may name; empty for any. */
  readonly algorithms: readonly string[];
  /** Why no proxy would check a signature with such a key; undefined where one would. */
  unfit(key: Members): string | undefined;
}

const TYPES: Readonly<Record<string, KeyType>> = {
  RSA: {
    ...{ needs: ["n", "e"], secret: "d" },
    algorithms: ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
    unfit({ n, e }) {
      const modulus = bytesOf(n).subarray(leadingZeros(bytesOf(n)));
      const bits = modulus.length * 8 - Math.clz32(modulus[0] ?? 0) + 24;
      if (bits < MIN_RSA_BITS || bits > MAX_RSA_BITS)
        return `has a modulus of ${bits} bits, not of ${MIN_RSA_BITS} to ${MAX_RSA_BITS}`;
      if ((modulus.at(-1) ?? 0) % 2 === 0) return "has a modulus that is even";
      return e === "AQAB" || e === "Aw" ? undefined : "has an exponent that is neither 65537 nor 3";
    },
  },
  EC: {
    ...{ needs: ["crv", "x", "y"], secret: "d" },
    algorithms: ["ES256", "ES384", "ES512"],
    unfit({ crv, x, y, alg }) {
      const on = isOnCurve(String(crv), bytesOf(x), bytesOf(y));
      if (on === undefined) return `is of the curve ${String(crv)}, not of P-256, P-384 or P-521`;
      if (!on) return `is no point of the curve ${String(crv)}`;
      const own = `ES${crv === "P-521" ? "512" : String(crv).slice(2)}`;
      return alg === undefined || alg === own
        ? undefined
        : `has the alg ${String(alg)}, not ${own}`;
    },
  },
  OKP: {
    ...{ needs: ["crv", "x"], secret: "d" },
    algorithms: ["EdDSA"],
    unfit({ crv, x }) {
      if (crv !== "Ed25519") return `is of the curve ${String(crv)}, not of Ed25519`;
      return bytesOf(x).length === 32 ? undefined : "is not of 32 bytes";
    },
  },
  oct: {
    ...{ needs: ["k"], secret: "k" },
    algorithms: ["HS256", "HS384", "HS512"],
    unfit: () => undefined,
  },
};

/** RFC 7518, section 3.3. */
const MIN_RSA_BITS = 2048;
/** Envoy takes no larger ones, and would be long about them. */
const MAX_RSA_BITS = 16_384;

/** Members of any key that say which one it is and what it is for. */
const LABELS = ["kty", "kid", "alg", "use"];

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

export interface DoubtfulKey {
  /** In the set. */
  readonly index: number;
  /** `private`: only its public part is used; `shared`: whoever checks signatures with it can make them; else why it is passed over. */
  readonly what: "private" | "shared" | { readonly unfit: string };
}

/** What is to be said of keys, in a text that `jwksError` finds nothing wrong with. */
export function doubtfulKeys(text: string): DoubtfulKey[] {
  return (keysOf(parsed(text)) ?? []).flatMap((key, index): DoubtfulKey[] => {
    const members = key as Members;
    const { kty } = members;
    const unfit = unfitness(members);
    const secret = Object.hasOwn(members, TYPES[kty as string]!.secret);
    return [
      ...(secret ? [{ index, what: kty === "oct" ? "shared" : "private" } as const] : []),
      ...(unfit === undefined ? [] : [{ index, what: { unfit } }]),
    ];
  });
}

export interface SigningKeys {
  /** Those that signatures are checked with, each with what that takes and no more. */
  readonly keys: readonly Members[];
  /** How many there are of any kind. */
  readonly all: number;
}

/**
 * Undefined for what is no set. Keys that are not understood, are for something else or would be refused by proxies are passed
 * over, as RFC 7517, section 5, has it. `shared`: secrets that both sides have count too.
 */
export function signingKeys(text: string, { shared = false } = {}): SigningKeys | undefined {
  const all = keysOf(parsed(text));
  if (all === undefined) return undefined;
  const keys = all.flatMap((key) => {
    if (keyError(key) !== undefined) return [];
    const members = key as Members;
    const { kty } = members;
    if (unfitness(members) !== undefined || (kty === "oct" && !shared)) return [];
    const wanted = [...LABELS, ...TYPES[kty as string]!.needs];
    return [Object.fromEntries(Object.entries(members).filter(([name]) => wanted.includes(name)))];
  });
  return { keys, all: all.length };
}

/** Why no signature is checked with a key; undefined where one is. */
function unfitness(key: Members): string | undefined {
  const { kty, use, alg, kid } = key;
  const type = TYPES[kty as string]!;
  if (use !== undefined && use !== "sig")
    return `is for ${JSON.stringify(use)}, not for signatures`;
  if (kid !== undefined && typeof kid !== "string") return "has a kid that is no text";
  if (alg !== undefined && !type.algorithms.includes(String(alg)))
    return `has the alg ${JSON.stringify(alg)}, not one of ${type.algorithms.join(", ")}`;
  return type.unfit(key);
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
    return typeof value !== "string" || !/^[A-Za-z0-9_-]+=*$/.test(value);
  });
  return missing === undefined ? undefined : `has no ${missing}`;
}

function isMembers(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Of base64url without padding; none where it is not that. */
function bytesOf(text: unknown): Uint8Array {
  try {
    const base64 = String(text).replaceAll("-", "+").replaceAll("_", "/");
    if (base64.endsWith("=")) return NOTHING;
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  } catch {
    return NOTHING;
  }
}

const NOTHING = new Uint8Array();

function leadingZeros(bytes: Uint8Array): number {
  const first = bytes.findIndex((byte) => byte !== 0);
  return first === -1 ? bytes.length : first;
}
