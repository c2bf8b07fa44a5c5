/** What wraps private keys at rest: a key service's key, or one from the environment, else from a file that the first start makes. */
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { type Envelope, PkiError } from "@heddle/pki";
import type { Clock } from "../deps.ts";
import { envelopeOf, type KmsEnvironment, kmsOf, KmsSettingsError } from "../kms/envelope-of.ts";
import { readOrWriteSecret, readSecret } from "./secret-file.ts";
import { PlaneStartError } from "./start-error.ts";

export interface EnvelopeEnvironment extends KmsEnvironment {
  /** 32 bytes in base64. */
  readonly HEDDLE_ENVELOPE_KEY?: string | undefined;
  /** In place of HEDDLE_KMS_TOKEN; read with each call, since whoever renews the token writes it anew. */
  readonly HEDDLE_KMS_TOKEN_FILE?: string | undefined;
}

/** HDL1065 where the key that is given is none, HDL9123 where the settings of a key service are wrong. */
export async function openEnvelope(
  env: EnvelopeEnvironment,
  dataDir: string,
  clock: Clock,
): Promise<Envelope> {
  const { HEDDLE_KMS_TOKEN_FILE: file } = env;
  try {
    const kms = kmsOf(env, clock, file ? () => tokenIn(file) : undefined);
    return envelopeOf(kms, await keyOf(env, dataDir, { makes: kms?.mode !== "seal" }));
  } catch (error) {
    if (!(error instanceof KmsSettingsError)) throw error;
    throw new PlaneStartError(
      "HDL9123",
      error.message,
      "Correct the variables HEDDLE_KMS_…; docs/guides/keys.md says what each is.",
      error,
    );
  }
}

async function tokenIn(file: string): Promise<string> {
  try {
    return (await readFile(file, "utf8")).trim();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new PkiError("HDL9121", `The key service's token cannot be read in ${file}: ${code}.`);
  }
}

/** 32 bytes; undefined where there are none and none are made. */
async function keyOf(
  { HEDDLE_ENVELOPE_KEY: given }: EnvelopeEnvironment,
  dataDir: string,
  { makes }: { readonly makes: boolean },
): Promise<Uint8Array | undefined> {
  const file = path.join(dataDir, "envelope-key");
  const made = () => randomBytes(32).toString("base64");
  const text = given || (await (makes ? readOrWriteSecret(file, made) : readSecret(file)));
  if (text === undefined) return undefined;
  const key = Buffer.from(text, "base64");
  if (key.byteLength !== 32)
    throw new PlaneStartError(
      "HDL1065",
      `The envelope key has ${key.byteLength} bytes; it must have 32, in base64.`,
      "Make one with `openssl rand -base64 32` and keep it: what it wrapped cannot be read without it.",
    );
  return new Uint8Array(key);
}
