/** Telemetry of one agent in this process: receiver, scraper, spool, uploader and the address that Prometheus scrapes. */

import { randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type AddressOwner, type Family, type WhoHas, writePrometheus } from "@heddle/telemetry";
import type { ShownCertificate } from "../identity/shown-certificate.ts";
import { takeBaseline, writeBaseline } from "./baseline.ts";
import { createBatcher } from "./batcher.ts";
import { startMetricsServer } from "./metrics-server.ts";
import { type ProvenSenders, startOtlpReceiver } from "./otlp-receiver.ts";
import { createOtlpTls, type Prove } from "./otlp-tls.ts";
import { createOwnCounters, type OwnCounters } from "./own-counters.ts";
import { startScraper } from "./scraper.ts";
import { createShortMemory } from "./short-memory.ts";
import { openSpool, type Spool } from "./spool.ts";
import {
  defaults,
  type Log,
  type ScrapeTarget,
  type TelemetryPorts,
  type TelemetrySettings,
} from "./telemetry-options.ts";
import { startUploader } from "./uploader.ts";

export interface TelemetrySources {
  targets: () => readonly ScrapeTarget[];
  /** Metrics of the rest of the agent, as Prometheus text. */
  ownMetrics: () => Promise<string>;
  ready: () => Promise<boolean>;
  /** Whose token it is; where OTLP is received by TLS. */
  prove: Prove;
  /** Who has an address. */
  whoHas: WhoHas;
  log: Log;
}

export interface LocalTelemetry {
  readonly ports: TelemetryPorts;
  readonly counters: OwnCounters;
  /** What the TLS port shows from now on; without it connections are dropped. */
  show(certificate: ShownCertificate): void;
  close(): Promise<void>;
}

/** Pods come and go, and with them who has an address. */
const OWNERS = { holdsMs: 10_000, most: 10_000 };
/** Prometheus gets counts that are no older than this, milliseconds. */
const freshMs = 1000;

/** Throws where an address is taken or the spool's directory can't be made; nothing is left open then. */
export async function runTelemetry(
  settings: TelemetrySettings,
  sources: TelemetrySources,
): Promise<LocalTelemetry> {
  const { log } = sources;
  const counters = createOwnCounters();
  const closers: (() => Promise<void>)[] = [];
  const close = async () => {
    for (const one of closers.splice(0).reverse()) await one();
  };
  try {
    await mkdir(settings.spoolDir, { recursive: true });
    const spool = await openSpool({
      dir: join(settings.spoolDir, "spool"),
      maximumBytes: settings.spoolBytes ?? defaults.spoolBytes,
      epoch: newEpoch(),
      counters,
      log,
    });
    const { plane, token = "", mesh } = settings;
    if (plane !== undefined) {
      const uploader = startUploader({
        plane: plane.replace(/\/$/, ""),
        token,
        mesh,
        spool,
        counters,
        log,
      });
      closers.push(() => uploader.close());
    }
    const batcher =
      plane === undefined
        ? { add: () => true, flush: () => Promise.resolve() }
        : createBatcher(spool, settings.batchMs ?? defaults.batchMs);
    closers.push(() => batcher.flush());
    const owners = createShortMemory<AddressOwner | undefined>(OWNERS);
    // What goes nowhere is not read.
    const whoHas: WhoHas | undefined =
      plane === undefined
        ? undefined
        : (address) => owners.get(address, () => sources.whoHas(address));
    const receive = async (address: string | undefined, proven?: ProvenSenders) => {
      if (address === undefined) return undefined;
      const receiver = await startOtlpReceiver(address, { batcher, counters, proven, whoHas });
      closers.push(() => receiver.close());
      return receiver.port;
    };
    const tls = createOtlpTls(sources.prove, log);
    const otlp = await receive(settings.otlpAddress);
    const otlpTls = await receive(settings.otlpTlsAddress, tls);
    const scraper = startScraper({
      targets: sources.targets,
      intervalMs: settings.scrapeIntervalMs ?? defaults.scrapeIntervalMs,
      send: (content) => batcher.add("metrics", content),
      counters,
      log,
      baseline: await takeBaseline(settings.spoolDir),
    });
    closers.push(async () => {
      await scraper.close();
      await writeBaseline(settings.spoolDir, scraper.totals());
    });
    let metricsPort: number | undefined;
    if (settings.metricsAddress !== undefined) {
      const server = await startMetricsServer(settings.metricsAddress, {
        async proxies() {
          await scraper.refresh(freshMs);
          return writePrometheus(scraper.families());
        },
        agent: async () =>
          (await sources.ownMetrics()) +
          writePrometheus([...counters.families(), ...spoolFamilies(spool)]),
        ready: sources.ready,
      });
      metricsPort = server.port;
      closers.push(() => server.close());
    }
    const ports = { otlp, otlpTls, metrics: metricsPort };
    return { ports, counters, show: (certificate) => tls.show(certificate), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Sorts behind every earlier one on the same machine. */
function newEpoch(): string {
  return Date.now().toString(36).padStart(9, "0") + randomBytes(3).toString("hex");
}

function spoolFamilies(spool: Spool): Family[] {
  const { batches, bytes } = spool.status();
  const gauge = (name: string, help: string, value: number): Family => ({
    name,
    type: "gauge",
    help,
    samples: [{ name, labels: "", value }],
  });
  return [
    gauge("heddle_telemetry_spool_batches", "Batches that wait for the plane.", batches),
    gauge(
      "heddle_telemetry_spool_bytes",
      "Compressed bytes of batches that wait for the plane.",
      bytes,
    ),
  ];
}
