/**
 * The keys of a plane in a cluster, in a Secret: what wraps private keys in the database, and the first token. So they are not
 * with the data, outlive a pod whose data is a Postgres elsewhere, and whoever may read the Secret finds the token in it.
 */
import { randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import type { PodSecret } from "./pod-secret.ts";

/** Names in the Secret; the same as those of the files that a plane elsewhere has. */
const ENVELOPE_KEY = "envelope-key";
const ADMIN_TOKEN = "admin-token";

const OWNER_ALONE = 0o600;

/**
 * Before the plane starts: its envelope key, which is in the Secret before anything is wrapped with it. `given` is the
 * user's own, which is then kept nowhere; with `makes` one is made where there is none. The token that the Secret has
 * comes to lie where the plane looks for it.
 */
export async function bringKeys(
  secret: PodSecret,
  dataDir: string,
  { given, makes }: { readonly given: string | undefined; readonly makes: boolean },
): Promise<string | undefined> {
  const kept = await secret.put((there) =>
    given !== undefined || there[ENVELOPE_KEY] !== undefined || !makes
      ? {}
      : { [ENVELOPE_KEY]: randomBytes(32).toString("base64") },
  );
  const token = kept[ADMIN_TOKEN];
  if (token !== undefined) {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    await writeFile(path.join(dataDir, ADMIN_TOKEN), `${token}\n`, { mode: OWNER_ALONE });
  }
  return given ?? kept[ENVELOPE_KEY];
}

/** After it has started: the token that is good, which is a new one where the database did not know the one before. */
export async function keepToken(secret: PodSecret, file: string): Promise<void> {
  const token = (await readFile(file, "utf8")).trim();
  await secret.put(() => ({ [ADMIN_TOKEN]: token }));
}
