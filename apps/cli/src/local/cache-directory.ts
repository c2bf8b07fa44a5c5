/** Where what is fetched or built once is kept, for every checkout of this user. */
import { homedir } from "node:os";
import path from "node:path";

/** `$XDG_CACHE_HOME/heddle`, or `~/.cache/heddle`. It need not exist yet. */
export function cacheDirectory(): string {
  return path.join(process.env["XDG_CACHE_HOME"] ?? path.join(homedir(), ".cache"), "heddle");
}
