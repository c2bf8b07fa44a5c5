/**
 * Data keys wrapped by the Transit engine of HashiCorp Vault and OpenBao (`POST /v1/<mount>/encrypt/<key>` and `…/decrypt/<key>`),
 * with a key of type aes256-gcm96 or another one that takes associated data.
 */
import { type KeyService, PkiError } from "@heddle/pki";
import { z } from "zod";

export interface VaultTransitOptions {
  /** The key's own path, such as `https://vault.example:8200/v1/transit/keys/heddle`. */
  readonly key: URL;
  /** Asked for with each call, since it may be exchanged while the plane runs. */
  readonly token: () => Promise<string>;
  /** Of Vault Enterprise and OpenBao. */
  readonly namespace?: string | undefined;
}

/** Milliseconds. It answers within a few; somebody waits for a certificate meanwhile. */
const ANSWER_WITHIN = 3_000;
/** So that what was wrapped for something else is not taken for a data key. */
const ASSOCIATED_DATA = btoa("heddle data key");
/** Of what it says of a failure. */
const SAID_CHARACTERS = 300;

const encryptedSchema = z.object({ data: z.object({ ciphertext: z.string().min(1) }) });
const decryptedSchema = z.object({ data: z.object({ plaintext: z.base64() }) });
const errorsSchema = z.object({ errors: z.array(z.string()) });

const KEY_PATH = /^\/v1\/(?<mount>.+)\/keys\/(?<name>[^/]+)$/;

/** Whether it is the path of a key of a Transit engine. */
export const isTransitKey = ({ protocol, pathname, username, search, hash }: URL) =>
  /^https?:$/.test(protocol) && KEY_PATH.test(pathname) && !username && !search && !hash;

export function vaultTransit({ key, token, namespace }: VaultTransitOptions): KeyService {
  const { mount = "", name = "" } = KEY_PATH.exec(key.pathname)?.groups ?? {};
  const service = `key ${name} of ${key.origin}/v1/${mount}`;

  async function call<T>(
    operation: "encrypt" | "decrypt",
    body: Readonly<Record<string, string>>,
    schema: z.ZodType<T>,
  ): Promise<T> {
    const response = await fetch(`${key.origin}/v1/${mount}/${operation}/${name}`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "x-vault-request": "true",
        "x-vault-token": await token(),
        ...(namespace === undefined ? {} : { "x-vault-namespace": namespace }),
      },
      body: JSON.stringify({ ...body, associated_data: ASSOCIATED_DATA }),
      // The token is for this address alone.
      redirect: "manual",
      signal: AbortSignal.timeout(ANSWER_WITHIN),
    }).catch((error: unknown) => {
      throw new PkiError("HDL9120", `No answer from ${service}: ${reasonOf(error)}.`);
    });
    const text = await response.text().catch(() => "");
    if (!response.ok)
      throw new PkiError(
        isAway(response.status) ? "HDL9120" : "HDL9121",
        `The ${service} answers ${response.status} when asked to ${operation}: ${saidIn(text)}`,
      );
    const answer = schema.safeParse(parsed(text));
    if (answer.success) return answer.data;
    throw new PkiError(
      "HDL9121",
      `The ${service} answers what Transit does not when asked to ${operation}: ${z.prettifyError(answer.error)}`,
    );
  }

  return {
    name: `the ${service}`,
    async wrap(dataKey) {
      const plaintext = btoa(String.fromCharCode(...dataKey));
      return (await call("encrypt", { plaintext }, encryptedSchema)).data.ciphertext;
    },
    async unwrap(ciphertext) {
      const { data } = await call("decrypt", { ciphertext }, decryptedSchema);
      return Uint8Array.from(atob(data.plaintext), (character) => character.charCodeAt(0));
    },
  };
}

/** Too many requests, standby nodes (472, 473), sealed (503), and whatever else passes by itself. */
const isAway = (status: number) =>
  status === 429 || status === 472 || status === 473 || status >= 500;

/** An error of `fetch` says why in its cause, which may be many in one. */
function reasonOf(error: unknown): string {
  const { cause = error } = error as { cause?: unknown };
  const { code, message } = cause as { code?: string; message?: string };
  return code ?? message ?? String(cause);
}

function saidIn(text: string): string {
  const errors = errorsSchema.safeParse(parsed(text));
  const said = errors.success ? errors.data.errors.join("; ") : text;
  return said.replace(/\s+/g, " ").trim().slice(0, SAID_CHARACTERS) || "nothing more.";
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
