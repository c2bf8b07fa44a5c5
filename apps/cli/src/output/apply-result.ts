/** What a write did, or would do, as kubectl says it: one line for each object. */
import type { ApplyResult } from "@heddle/client";
import { formatFindings } from "./diagnostics.ts";
import { dim, green, printJson, red, yellow } from "./print.ts";

const ACTION_COLOR = { created: green, configured: yellow, unchanged: dim, deleted: red };

export function showResult(result: ApplyResult, output: string): void {
  if (output === "json") return printJson(result);
  for (const change of result.changes) {
    const [group, kind = "", namespace, name] = change.key.split("/");
    const label = `${kind.toLowerCase()}.${group} ${namespace}/${name}`;
    process.stdout.write(
      `${label} ${ACTION_COLOR[change.action](change.action)}${result.dryRun ? " (dry run)" : ""}\n`,
    );
  }
  if (result.diagnostics.length > 0)
    process.stderr.write(`${formatFindings(result.diagnostics)}\n`);
  if (!result.dryRun) process.stdout.write(dim(`revision ${result.revision}\n`));
}
