/** Findings of analysis, as people and programs read them. */
import { bold, dim, red, yellow } from "./print.ts";

/** The part of a diagnostic that both the analyser and the API have. */
export interface Finding {
  readonly code: string;
  readonly level: "Error" | "Warning" | "Info";
  readonly message: string;
  readonly origin: string;
  readonly reference?: string | undefined;
  readonly path?: string | undefined;
  readonly remedy?: string | undefined;
}

const LEVEL_ORDER = { Error: 0, Warning: 1, Info: 2 };

export function formatFindings(findings: readonly Finding[]): string {
  return findings
    .toSorted((a, b) => LEVEL_ORDER[a.level] - LEVEL_ORDER[b.level])
    .map(formatFinding)
    .join("\n");
}

function formatFinding(finding: Finding): string {
  const level = { Error: red, Warning: yellow, Info: dim }[finding.level](finding.level);
  const place = [finding.reference, finding.path].filter(Boolean).join(" ");
  const lines = [
    `${level} [${bold(finding.code)}] (${finding.origin}${place ? ` ${place}` : ""}) ${finding.message}`,
  ];
  if (finding.remedy) lines.push(dim(`  → ${finding.remedy}`));
  return lines.join("\n");
}

/** The six fields that `analyze -o json` promises for each finding. */
export function findingsJson(findings: readonly Finding[]): object[] {
  return findings.map(({ code, level, message, origin, reference, path, remedy }) => ({
    code,
    level,
    message,
    origin,
    reference: reference ?? "",
    ...(path ? { path } : {}),
    ...(remedy ? { remedy } : {}),
  }));
}
