/** Where things lie below `--data`: one layout for `heddle up` and `heddle server`, so that each goes on from what the other left. */
import { existsSync } from "node:fs";
import path from "node:path";

export interface PlaneDirectories {
  /** The plane's database, telemetry, keys and first token. */
  readonly dataDir: string;
  /** Prepared databases; shared by data directories that lie side by side. */
  readonly cacheDir: string;
}

/** `data/plane`; or `data` itself where a plane has been kept right in it and there is no `data/plane`. */
export function planeDirectories(data: string): PlaneDirectories {
  const root = path.resolve(data);
  const below = path.join(root, "plane");
  const keptHere = existsSync(path.join(root, "admin-token")) && !existsSync(below);
  const cacheDir =
    path.basename(root) === ".heddle"
      ? path.join(root, "cache")
      : path.join(path.dirname(root), ".heddle/cache");
  return { dataDir: keptHere ? root : below, cacheDir };
}
