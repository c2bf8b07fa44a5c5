/** What commands that make manifests say beside them. */
import type { Diagnostic } from "@heddle/model";
import type { CliError } from "../output/cli-error.ts";
import { formatFindings } from "../output/diagnostics.ts";

export interface Made {
  readonly findings: readonly Diagnostic[];
  /** For what nothing was made, and why. */
  readonly left: readonly { readonly origin: string; readonly because: string }[];
}

/** Tells of both on stderr; throws `refused` where there is an Error: a half of what was asked for would be applied unseen. */
export function tellOf({ findings, left }: Made, nothing: string, refused: CliError): void {
  if (findings.length > 0) process.stderr.write(`${formatFindings(findings)}\n`);
  for (const { origin, because } of left)
    process.stderr.write(`${origin} ${nothing}: ${because}\n`);
  if (findings.some(({ level }) => level === "Error")) throw refused;
}
