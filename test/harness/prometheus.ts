/** A real Prometheus that scrapes one address each second. */
import { execFileSync, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { stringify } from "yaml";

export interface Prometheus {
  /** Instant query; each sample with its labels, the metric's name left out. */
  query(promql: string): Promise<{ labels: Record<string, string>; value: number }[]>;
  close(): Promise<void>;
}

/** Throws where the machine has no Prometheus (Debian: the package `prometheus`). */
export async function startPrometheus(
  port: number,
  target: string,
  metricsPath: string,
): Promise<Prometheus> {
  execFileSync("prometheus", ["--version"], { stdio: "ignore" });
  const directory = await mkdtemp(path.join(tmpdir(), "heddle-prometheus-"));
  const config = path.join(directory, "prometheus.yml");
  const scrape = {
    job_name: "heddle",
    metrics_path: metricsPath,
    honor_labels: true,
    static_configs: [{ targets: [target] }],
  };
  await writeFile(
    config,
    stringify({ global: { scrape_interval: "1s" }, scrape_configs: [scrape] }),
  );
  const child = spawn(
    "prometheus",
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${path.join(directory, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
      "--log.level=warn",
    ],
    { stdio: "ignore" },
  );
  const base = `http://127.0.0.1:${port}`;
  const prometheus: Prometheus = {
    async query(promql) {
      const response = await fetch(`${base}/api/v1/query?query=${encodeURIComponent(promql)}`);
      const { data } = (await response.json()) as {
        data: { result: { metric: Record<string, string>; value: [number, string] }[] };
      };
      return data.result.map(({ metric: { __name__: _, ...labels }, value }) => ({
        labels,
        value: Number(value[1]),
      }));
    },
    close: () =>
      new Promise((resolve) => {
        child.once(
          "exit",
          () => void rm(directory, { recursive: true, force: true }).then(() => resolve()),
        );
        child.kill("SIGTERM");
      }),
  };
  for (let i = 0; i < 200; i++) {
    const response = await fetch(`${base}/-/ready`).catch(() => undefined);
    if (response?.ok) return prometheus;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await prometheus.close();
  throw new Error("Prometheus did not become ready within 10 s");
}
