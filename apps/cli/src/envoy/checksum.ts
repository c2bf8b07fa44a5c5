/** Checks a file that was fetched against the SHA-256 that it has to have. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import path from "node:path";

/** Rejects with both sums where they differ. */
export async function verifySha256(file: string, expected: string): Promise<void> {
  const actual = createHash("sha256")
    .update(await readFile(file))
    .digest("hex");
  if (actual !== expected)
    throw new Error(`${path.basename(file)} has SHA-256 ${actual}, expected ${expected}`);
}
