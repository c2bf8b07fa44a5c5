/** Scrapes the proxies in turn: what they count is kept for Prometheus, and what was added goes up to the plane. */

import { MAX_OPEN_CONNECTIONS } from "@heddle/model";
import {
  encodeMetrics,
  followConnections,
  mergeScrapes,
  parsePrometheus,
  requestDeltas,
  requestTotals,
  toldBefore,
  toMetrics,
  type Attributes,
  type Family,
  type ProxyTotals,
  type Scrape,
  type ToldBytes,
} from "@heddle/telemetry";
import type { Baseline } from "./baseline.ts";
import { familiesOf, keepFamilies, type KeptFamilies } from "./kept-families.ts";
import type { OwnCounters } from "./own-counters.ts";
import { createConnections, scrape } from "./scrape.ts";
import type { Log, ScrapeTarget } from "./telemetry-options.ts";

/** Proxies asked at the same time. */
const concurrency = 16;
/** A proxy that did not answer so often shows no series any more, as Prometheus has it with a target that is down. */
const missesUntilStale = 3;
/** Totals of proxies that are gone are remembered, for if they come back: nothing may be counted twice. */
const maximumRemembered = 20_000;

export interface ScraperOptions {
  targets: () => readonly ScrapeTarget[];
  intervalMs: number;
  /** Takes an encoded export request; false where it can't be kept. */
  send: (content: Uint8Array) => boolean;
  counters: OwnCounters;
  log: Log;
  /** Where an earlier run ended. */
  baseline: Baseline;
}

export interface Scraper {
  /** Scrapes now, unless that was done within `maximumAgeMs`. */
  refresh(maximumAgeMs: number): Promise<void>;
  /** Every proxy's series under Istio's names, and whether the proxy answers. */
  families(): Family[];
  /** The last totals of each proxy, for the next run. */
  totals(): ReadonlyMap<string, ProxyTotals>;
  close(): Promise<void>;
}

interface ProxyState {
  target: ScrapeTarget;
  /** Of its last answer; undefined before the first, and where it has not answered for long. */
  kept: KeptFamilies | undefined;
  misses: number;
  resource: Attributes;
  /** Of TCP connections; undefined before the first answer. */
  told: ToldBytes | undefined;
  /** TCP connections that the proxy tells of while they go on, or did so minutes ago. */
  connections: number;
}

export function startScraper(options: ScraperOptions): Scraper {
  const { counters, log, intervalMs } = options;
  const connections = createConnections();
  const timeoutMs = Math.min(2000, Math.max(500, intervalMs));
  const totals = new Map<string, ProxyTotals>(options.baseline.totals);
  const states = new Map<string, ProxyState>();
  let finished = -Infinity;
  let round: Promise<void> | undefined;
  let closed = false;
  const timer = setInterval(() => void run(), intervalMs);
  void run();

  return {
    refresh: (maximumAgeMs) =>
      performance.now() - finished <= maximumAgeMs ? Promise.resolve() : run(),
    families() {
      const live = [...states.values()];
      const scrapes = live.map(({ target, kept }): Scrape => ({
        labels: nameLabels(target.name),
        families: kept ? familiesOf(kept) : [],
      }));
      const up = live.map(({ target, misses }) => ({
        name: "heddle_proxy_up",
        labels: labelsOf(target.name),
        value: misses === 0 ? 1 : 0,
      }));
      const health: Family = {
        name: "heddle_proxy_up",
        type: "gauge",
        help: "1 where the proxy answered its last scrape, else 0.",
        samples: up,
      };
      const followed: Family = {
        name: "heddle_proxy_followed_connections",
        type: "gauge",
        help: "TCP connections whose bytes the proxy tells of while they go on, or did until some minutes ago.",
        samples: live
          .filter(({ connections }) => connections > 0)
          .map(({ target, connections }) => ({
            name: "heddle_proxy_followed_connections",
            labels: labelsOf(target.name),
            value: connections,
          })),
      };
      const own = [health, followed].filter(({ samples }) => samples.length > 0);
      return [...mergeScrapes(scrapes), ...own];
    },
    totals: () => totals,
    async close() {
      closed = true;
      clearInterval(timer);
      await round;
      connections.destroy();
    },
  };

  /** A round that is slower than the interval is not overtaken by the next. */
  function run(): Promise<void> {
    if (closed) return Promise.resolve();
    round ??= scrapeAll().finally(() => {
      finished = performance.now();
      round = undefined;
    });
    return round;
  }

  async function scrapeAll(): Promise<void> {
    const targets = options.targets();
    const wanted = new Set(targets.map(keyOf));
    for (const key of states.keys()) if (!wanted.has(key)) states.delete(key);
    const queue = [...targets];
    const workers = Array.from({ length: Math.min(concurrency, queue.length) }, async () => {
      for (let target = queue.shift(); target; target = queue.shift()) await scrapeOne(target);
    });
    await Promise.all(workers);
    while (totals.size > maximumRemembered) totals.delete(totals.keys().next().value!);
  }

  async function scrapeOne(target: ScrapeTarget): Promise<void> {
    const key = keyOf(target);
    const state = states.get(key) ?? {
      target,
      kept: undefined,
      misses: 0,
      resource: resourceOf(target.name),
      told: undefined,
      connections: 0,
    };
    states.set(key, state);
    try {
      const text = await scrape(connections, target.address, timeoutMs);
      const at = performance.now();
      const families = follow(state, parsePrometheus(text), totals.get(key), at);
      state.misses = 0;
      counters.add("heddle_proxy_scrapes_total", { outcome: "answered" });
      forward(key, state, families, at);
    } catch (error) {
      state.misses++;
      if (state.misses === missesUntilStale) {
        state.kept = undefined;
        log("warn", "a proxy does not answer scrapes", {
          proxy: target.name,
          address: target.address,
          error: String(error),
        });
      }
      counters.add("heddle_proxy_scrapes_total", { outcome: "failed" });
    }
  }

  /** Answers with what was scraped, and the bytes of connections that go on in it. */
  function follow(
    state: ProxyState,
    scraped: readonly Family[],
    last: ProxyTotals | undefined,
    at: number,
  ): readonly Family[] {
    const { families, told, connections } = followConnections(
      scraped,
      state.told ?? (last && toldBefore(last)),
      at,
    );
    if (connections >= MAX_OPEN_CONNECTIONS && state.connections < MAX_OPEN_CONNECTIONS)
      log(
        "warn",
        "a proxy has as many TCP connections as one listener tells of; more of them count when they end",
        {
          proxy: state.target.name,
          connections,
        },
      );
    Object.assign(state, { kept: keepFamilies(families), told, connections });
    return families;
  }

  /** Totals move on only when their increments were taken over: what could not be kept is in the next ones. */
  function forward(key: string, state: ProxyState, families: readonly Family[], at: number): void {
    const current = requestTotals(mergeScrapes([{ labels: {}, families }]), at);
    const points = requestDeltas(totals.get(key), current, {
      time: Date.now(),
      watchedMs: at - options.baseline.since,
    });
    if (points.length > 0 && !options.send(encodeMetrics(toMetrics(points, state.resource))))
      return;
    totals.delete(key);
    totals.set(key, current);
  }
}

function keyOf(target: ScrapeTarget): string {
  return `${target.name} ${target.address}`;
}

function nameLabels(name: string): { pod: string; namespace: string } {
  const dot = name.lastIndexOf(".");
  return dot < 0
    ? { pod: name, namespace: "" }
    : { pod: name.slice(0, dot), namespace: name.slice(dot + 1) };
}

function labelsOf(name: string): string {
  const { pod, namespace } = nameLabels(name);
  return `pod="${pod}",namespace="${namespace}"`;
}

function resourceOf(name: string): Attributes {
  const { pod, namespace } = nameLabels(name);
  return { "service.name": "envoy", "k8s.pod.name": pod, "k8s.namespace.name": namespace };
}
