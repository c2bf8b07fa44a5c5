/** A real Prometheus that scrapes one address each second. */
import { execFileSync, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { stringify } from "yaml";

export interface Sample {
  /** The metric's name left out. */
  readonly labels: Record<string, string>;
  readonly value: number;
}

export interface Prometheus {
  /** Instant query. */
  query(promql: string): Promise<Sample[]>;
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
    query: (promql) => samplesOf(base, promql),
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

/** What the Prometheus at that address answers. Rejects with what it says of an expression that is none. */
export async function samplesOf(base: string, promql: string): Promise<Sample[]> {
  const response = await fetch(`${base}/api/v1/query?query=${encodeURIComponent(promql)}`);
  const { data, error } = (await response.json()) as {
    data?: { result: { metric: Record<string, string>; value: [number, string] }[] };
    error?: string;
  };
  if (data === undefined) throw new Error(`${error}: ${promql}`);
  return data.result.map(({ metric: { __name__: _, ...labels }, value }) => ({
    labels,
    value: Number(value[1]),
  }));
}
