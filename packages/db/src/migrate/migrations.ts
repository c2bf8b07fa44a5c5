/** The numbered SQL files of `/migrations`, in their order. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

export interface Migration {
  readonly number: number;
  readonly name: string;
  readonly statements: readonly string[];
  /** SHA-256 of the file, hexadecimal. */
  readonly hash: string;
}

/** In a bundle they lie beside the code. */
const DEFAULT_FOLDER = fileURLToPath(
  new URL(
    import.meta.url.endsWith(".ts") ? "../../../../migrations" : "./migrations",
    import.meta.url,
  ),
);

/** Reads a folder's `NNNN_name.sql`. Statements are parted by drizzle-kit's `--> statement-breakpoint`. */
export function readMigrations(folder: string = DEFAULT_FOLDER): Migration[] {
  return readdirSync(folder)
    .filter((file) => /^\d{4}_.*\.sql$/.test(file))
    .sort()
    .map((file) => {
      const text = readFileSync(path.join(folder, file), "utf8");
      return {
        number: Number(file.slice(0, 4)),
        name: file.slice(5, -4),
        statements: text.split("--> statement-breakpoint").map((s) => s.trim()),
        hash: createHash("sha256").update(text).digest("hex"),
      };
    });
}
