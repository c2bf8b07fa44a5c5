/** Processes that belong to one run, known by a value in their environment, which every child inherits. */
import { readdir, readFile } from "node:fs/promises";

/** Command lines of those that live, whose environment holds `name=value`. Linux. */
export async function processesWith(name: string, value: string): Promise<string[]> {
  const pids = (await readdir("/proc")).filter((entry) => /^\d+$/.test(entry));
  const lines = await Promise.all(
    pids.map(async (pid) => {
      const read = (file: string) => readFile(`/proc/${pid}/${file}`, "utf8").catch(() => "");
      const [environment, line] = await Promise.all([read("environ"), read("cmdline")]);
      const marked = environment.split("\0").includes(`${name}=${value}`);
      return marked && line !== "" ? line.replaceAll("\0", " ").slice(0, 200) : undefined;
    }),
  );
  return lines.filter((line) => line !== undefined);
}
