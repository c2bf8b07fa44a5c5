/** The key that wraps private keys at rest: from the environment, else from a file that the first start makes. */
import { randomBytes } from "node:crypto";
import path from "node:path";
import { PlaneStartError } from "./start-error.ts";
import { readOrWriteSecret } from "./secret-file.ts";

/** 32 bytes. HDL1065 where what is given is none. */
export async function envelopeKeyOf(
  given: string | undefined,
  dataDir: string,
): Promise<Uint8Array> {
  const text =
    given ??
    (await readOrWriteSecret(path.join(dataDir, "envelope-key"), () =>
      randomBytes(32).toString("base64"),
    ));
  const key = Buffer.from(text, "base64");
  if (key.byteLength !== 32)
    throw new PlaneStartError(
      "HDL1065",
      `The envelope key has ${key.byteLength} bytes; it must have 32, in base64.`,
      "Make one with `openssl rand -base64 32` and keep it: what it wrapped cannot be read without it.",
    );
  return new Uint8Array(key);
}
