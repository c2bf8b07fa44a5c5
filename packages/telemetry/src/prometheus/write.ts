/** Writes Prometheus's text exposition format 0.0.4. */

import type { Family } from "./parse.ts";

/** The content type that goes with it. */
export const prometheusContentType = "text/plain; version=0.0.4; charset=utf-8";

export function writePrometheus(families: readonly Family[]): string {
  const lines: string[] = [];
  for (const family of families) {
    if (family.help !== "")
      lines.push(
        `# HELP ${family.name} ${family.help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}`,
      );
    lines.push(`# TYPE ${family.name} ${family.type}`);
    for (const sample of family.samples) {
      const labels = sample.labels === "" ? "" : `{${sample.labels}}`;
      const time = sample.timestamp === undefined ? "" : ` ${sample.timestamp}`;
      lines.push(`${sample.name}${labels} ${writeNumber(sample.value)}${time}`);
    }
  }
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
}

/** A label set as text, values escaped. */
export function writeLabels(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${escapeLabel(value)}"`)
    .join(",");
}

export function escapeLabel(value: string): string {
  return /[\\"\n]/.test(value)
    ? value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")
    : value;
}

export function writeNumber(value: number): string {
  if (value === Infinity) return "+Inf";
  if (value === -Infinity) return "-Inf";
  return String(value);
}
