/** The envelope that a plane seals with: under a key service's key, under a key that it was given, or first one and then the other. */
import { createEnvelope, createKmsEnvelope, type Envelope, layeredEnvelope } from "@heddle/pki";
import type { AppDeps, Clock } from "../deps.ts";
import { isTransitKey, vaultTransit } from "./vault-transit.ts";

/** As the environment has it. */
export interface KmsEnvironment {
  /** Where a key service has the key: `https://HOST/v1/MOUNT/keys/NAME` of Vault's or OpenBao's Transit engine. */
  readonly HEDDLE_KMS_KEY?: string | undefined;
  readonly HEDDLE_KMS_TOKEN?: string | undefined;
  readonly HEDDLE_KMS_NAMESPACE?: string | undefined;
  /** `seal` unless told; `open` on the way back to an envelope key: what it has sealed is opened, and nothing more is sealed. */
  readonly HEDDLE_KMS_MODE?: string | undefined;
}

export interface Kms {
  readonly envelope: Envelope;
  readonly mode: "seal" | "open";
}

/** Something is wrong with the settings of a key service. */
export class KmsSettingsError extends Error {
  override readonly name = "KmsSettingsError";
}

const LOOPBACK = /^(localhost|127\.[\d.]+|\[::1\])$/;

/** Undefined where none is set. `token` reads it from elsewhere than the environment. Throws `KmsSettingsError`. */
export function kmsOf(
  env: KmsEnvironment,
  clock: Clock,
  token?: (() => Promise<string>) | undefined,
): Kms | undefined {
  const { HEDDLE_KMS_KEY: text, HEDDLE_KMS_TOKEN: fixed, HEDDLE_KMS_MODE: mode = "seal" } = env;
  if (!text) return undefined;
  const key = URL.parse(text);
  if (!key || !isTransitKey(key))
    throw new KmsSettingsError(
      "HEDDLE_KMS_KEY names no key of a Transit engine; it looks like https://vault.example:8200/v1/transit/keys/heddle.",
    );
  if (key.protocol === "http:" && !LOOPBACK.test(key.hostname))
    throw new KmsSettingsError(
      "HEDDLE_KMS_KEY begins with http, so that the token, and data keys, would go over the network in the clear; it must be https.",
    );
  if (mode !== "seal" && mode !== "open")
    throw new KmsSettingsError(
      `HEDDLE_KMS_MODE is ${JSON.stringify(mode)}; it is seal or open, and seal without it.`,
    );
  const given = token ?? (fixed ? async () => fixed : undefined);
  if (!given)
    throw new KmsSettingsError("HEDDLE_KMS_KEY is set, and no token for it: HEDDLE_KMS_TOKEN.");
  const namespace = env.HEDDLE_KMS_NAMESPACE || undefined;
  const service = vaultTransit({ key, token: given, namespace });
  return { envelope: createKmsEnvelope(service, clock), mode };
}

/** `key` has 32 bytes and is undefined where there is none. Throws `KmsSettingsError` where there is nothing to seal with. */
export function envelopeOf(kms: Kms | undefined, key: Uint8Array | undefined): Envelope {
  const local = key && createEnvelope(key);
  if (!kms && local) return layeredEnvelope(local, []);
  if (kms?.mode === "open" && local) return layeredEnvelope(local, [kms.envelope]);
  if (kms?.mode === "seal") return layeredEnvelope(kms.envelope, local ? [local] : []);
  throw new KmsSettingsError("There is neither an envelope key nor a key service to seal with.");
}

/** Whether it can be sealed with now, as `/readyz` tells it; a warning each time that it becomes so or is no more. */
export function envelopeState({ envelope, log }: Pick<AppDeps, "envelope" | "log">) {
  let said: string | undefined;
  return async (): Promise<{ readonly name: string; readonly problem?: string }> => {
    const problem = await envelope.check().then(
      () => undefined,
      (error: { code?: string; message: string }) => `${error.code ?? "HDL1000"}: ${error.message}`,
    );
    if (problem !== said && problem !== undefined)
      log.warn("keys cannot be sealed", { envelope: envelope.name, problem });
    if (problem !== said && problem === undefined)
      log.info("keys can be sealed again", { envelope: envelope.name });
    said = problem;
    return { name: envelope.name, ...(problem === undefined ? {} : { problem }) };
  };
}
