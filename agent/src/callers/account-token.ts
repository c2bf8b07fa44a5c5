/** A service account's token, a pod's or a machine's: read, and checked against the cluster's keys. */
import { decodeJwt, errors, jwtVerify } from "jose";
import { z } from "zod";
import { CallerRefused } from "./caller-refused.ts";
import type { ClusterKeys, KnownKeys } from "./cluster-keys.ts";

/** What the API server's keys may be; never a shared secret. */
const ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "ES512", "EdDSA"];
/** Clocks of machines differ; seconds. */
const CLOCK_TOLERANCE = 5;
/** Kubernetes' tokens have about 1,200 characters. */
const MAX_LENGTH = 16 * 1024;

const claimsSchema = z.object({
  exp: z.number(),
  iat: z.number(),
  "kubernetes.io": z.object({
    namespace: z.string().min(1),
    serviceaccount: z.object({ name: z.string().min(1) }),
    // Of a token that was asked for by itself there is none.
    pod: z.object({ name: z.string().min(1), uid: z.string().min(1) }).optional(),
  }),
});

/** What a token says of whom it is good for. */
export interface AccountToken {
  readonly namespace: string;
  readonly serviceAccount: string;
  /** The pod that it is bound to. */
  readonly pod?: string;
  readonly uid?: string;
  /** Milliseconds since 1970. */
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/**
 * Whose token it is, or undefined where no keys are known to check it with. Throws `CallerRefused` for one that the cluster has
 * not signed for this audience, that has expired, or that is no account's.
 */
export async function checkedToken(
  token: string,
  audience: string,
  keys: ClusterKeys,
): Promise<AccountToken | undefined> {
  if (token.length > MAX_LENGTH) throw new CallerRefused("HDL7251", "The token is too long.");
  const known = await keys.known();
  if (known === undefined) return undefined;
  try {
    return await checked(token, audience, known);
  } catch (error) {
    // The cluster may have got another key, or another name, since it was asked.
    if (!isUnknownSigner(error)) throw refusal(error);
  }
  const newest = await keys.again();
  return checked(token, audience, newest ?? known).catch((error: unknown) => {
    throw refusal(error);
  });
}

/** What a token says, for whoever has it checked elsewhere. Throws `CallerRefused` for what is no account's token. */
export function readToken(token: string): AccountToken {
  let claims: unknown;
  try {
    claims = decodeJwt(token);
  } catch (error) {
    throw refusal(error);
  }
  return whoseIs(claims);
}

async function checked(
  token: string,
  audience: string,
  { issuer, keyOf }: KnownKeys,
): Promise<AccountToken> {
  const { payload } = await jwtVerify(token, keyOf, {
    ...{ issuer, audience, algorithms: ALGORITHMS, clockTolerance: CLOCK_TOLERANCE },
  });
  return whoseIs(payload);
}

function whoseIs(claims: unknown): AccountToken {
  const read = claimsSchema.safeParse(claims);
  if (!read.success)
    throw new CallerRefused(
      "HDL7251",
      "The token is bound to no pod, and is no service account's.",
    );
  const { exp, iat, "kubernetes.io": bound } = read.data;
  return {
    namespace: bound.namespace,
    serviceAccount: bound.serviceaccount.name,
    ...(bound.pod ? { pod: bound.pod.name, uid: bound.pod.uid } : {}),
    issuedAt: iat * 1000,
    expiresAt: exp * 1000,
  };
}

function isUnknownSigner(error: unknown): boolean {
  if (error instanceof errors.JWTClaimValidationFailed) return error.claim === "iss";
  return (
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWSSignatureVerificationFailed
  );
}

function refusal(error: unknown): CallerRefused {
  if (error instanceof CallerRefused) return error;
  const reason = error instanceof errors.JOSEError ? error.message : "it cannot be read";
  return new CallerRefused("HDL7251", `The token is not good: ${reason}.`, error);
}
