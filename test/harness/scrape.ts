/** What a proxy tells Prometheus. */
import { METRIC_PREFIX } from "@heddle/translate";

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** All samples of one of Istio's metrics. */
export async function scrape(address: string, metric: string): Promise<readonly Sample[]> {
  const text = await (await fetch(`http://${address}:15090/stats/prometheus`)).text();
  const name = `envoy_${METRIC_PREFIX}_${metric}`;
  return text
    .split("\n")
    .filter((line) => line.startsWith(`${name}{`))
    .map((line) => {
      const end = line.lastIndexOf("}");
      const labels = [
        ...line.slice(name.length + 1, end).matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/g),
      ];
      return {
        labels: Object.fromEntries(labels.map(([, key = "", value = ""]) => [key, value])),
        value: Number(line.slice(end + 1)),
      };
    });
}
