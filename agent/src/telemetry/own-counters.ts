/** What telemetry counts of itself: received, dropped, sent, scraped. */

import { escapeLabel, type Family } from "@heddle/telemetry";

export const ownCounters = {
  heddle_telemetry_received_requests_total:
    "OTLP requests that the agent took from proxies and applications.",
  heddle_telemetry_received_bytes_total: "Bytes of OTLP requests that the agent took.",
  heddle_telemetry_refused_requests_total:
    "OTLP requests that the agent refused: malformed, more than it can hold, or before it knew what to redact.",
  heddle_telemetry_refused_records_total:
    "Spans and log records of pods that could not be read, in requests that were taken.",
  heddle_telemetry_redacted_values_total:
    "Values of spans and log records that were taken out before they left the cluster, by rule.",
  heddle_telemetry_redaction_unread_total:
    "Texts of which a part was taken out unread: too long for an expression, or time was over.",
  heddle_telemetry_dropped_batches_total:
    "Batches that were lost: the spool or its disk was full, or the plane refused them for good.",
  heddle_telemetry_dropped_bytes_total: "Compressed bytes of lost batches.",
  heddle_telemetry_sent_batches_total: "Batches that the plane stored.",
  heddle_telemetry_sent_bytes_total: "Compressed bytes of batches that the plane stored.",
  heddle_telemetry_failed_sends_total: "Attempts to send a batch that failed and are made again.",
  heddle_proxy_scrapes_total: "Scrapes of proxies.",
} as const;

export type CounterName = keyof typeof ownCounters;

export interface OwnCounters {
  add(name: CounterName, labels: Readonly<Record<string, string>>, by?: number): void;
  value(name: CounterName, labels?: Readonly<Record<string, string>>): number;
  families(): Family[];
}

export function createOwnCounters(): OwnCounters {
  const values = new Map<CounterName, Map<string, number>>();
  return {
    add(name, labels, by = 1) {
      let series = values.get(name);
      if (!series) values.set(name, (series = new Map()));
      const key = labelText(labels);
      series.set(key, (series.get(key) ?? 0) + by);
    },
    value(name, labels) {
      const series = values.get(name);
      if (!series) return 0;
      if (labels) return series.get(labelText(labels)) ?? 0;
      return [...series.values()].reduce((a, b) => a + b, 0);
    },
    families: () =>
      [...values].map(([name, series]) => ({
        name,
        type: "counter" as const,
        help: ownCounters[name],
        samples: [...series].map(([labels, value]) => ({ name, labels, value })),
      })),
  };
}

function labelText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${escapeLabel(value)}"`)
    .join(",");
}
