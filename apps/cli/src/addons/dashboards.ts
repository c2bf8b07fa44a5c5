/** Dashboards as files, for a Grafana that others have installed. */
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { DASHBOARDS, grafanaJson } from "@heddle/kube";
import { CliError } from "../output/cli-error.ts";

/** Resolves to their names. Throws HDL9083 where they cannot be written. */
export async function writeDashboards(folder: string): Promise<string[]> {
  const files: string[] = [];
  try {
    await mkdir(folder, { recursive: true });
    for (const dashboard of DASHBOARDS) {
      const file = path.join(folder, `${dashboard.uid}.json`);
      await writeFile(file, `${JSON.stringify(grafanaJson(dashboard), null, 2)}\n`);
      files.push(file);
    }
  } catch (error) {
    throw new CliError(
      "HDL9083",
      `The dashboards cannot be written to ${folder}: ${(error as Error).message}`,
      "Give a folder that can be written.",
    );
  }
  return files;
}
