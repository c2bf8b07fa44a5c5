/** Joins the scrapes of many proxies into one exposition under Istio's names, each series telling whose it is. */

import type { Family } from "./parse.ts";
import { writeLabels } from "./write.ts";

/**
 * Envoy puts `envoy_` and the stats prefix before the names of custom counters; Istio's names come back by taking both off:
 * `envoy_mesh_istio_requests_total` is `istio_requests_total`. Other names stay.
 */
export function istioName(name: string): string {
  return name.replace(/^envoy_(?:[a-zA-Z0-9]+_)*?istio_/, "istio_");
}

export interface Scrape {
  /** Labels that tell this proxy's series from the others', such as pod and namespace. A series' own labels win. */
  labels: Readonly<Record<string, string>>;
  families: readonly Family[];
}

/** Families by name in order of first appearance; a family's type and help are those first seen. */
export function mergeScrapes(scrapes: readonly Scrape[]): Family[] {
  const merged = new Map<string, Family>();
  for (const scrape of scrapes) {
    for (const family of scrape.families) {
      const name = istioName(family.name);
      let into = merged.get(name);
      if (!into) merged.set(name, (into = { ...family, name, samples: [] }));
      const added = family.name === name ? 0 : family.name.length - name.length;
      for (const sample of family.samples) {
        into.samples.push({
          ...sample,
          name: sample.name.slice(added),
          labels: withLabels(sample.labels, scrape.labels),
        });
      }
    }
  }
  return [...merged.values()];
}

function withLabels(own: string, added: Scrape["labels"]): string {
  const missing = Object.fromEntries(
    Object.entries(added).filter(
      ([name]) => !own.startsWith(`${name}="`) && !own.includes(`,${name}="`),
    ),
  );
  const text = writeLabels(missing);
  return own === "" || text === "" ? own + text : `${text},${own}`;
}
