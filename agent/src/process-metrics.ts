/** What this process costs its machine, under the names that Prometheus' own libraries use. */

/** Seconds since 1970. */
const STARTED = Math.round(Date.now() / 1000 - process.uptime());

/** Prometheus text. */
export function processMetrics(): string {
  const { user, system } = process.cpuUsage();
  return [
    ["cpu_seconds_total", "counter", "CPU that was used, in seconds.", (user + system) / 1e6],
    ["resident_memory_bytes", "gauge", "Memory that it has, in bytes.", process.memoryUsage.rss()],
    ["start_time_seconds", "gauge", "When it was started, in seconds since 1970.", STARTED],
  ]
    .map(
      ([name, type, help, value]) =>
        `# HELP process_${name} ${help}\n# TYPE process_${name} ${type}\nprocess_${name} ${value}\n`,
    )
    .join("");
}
