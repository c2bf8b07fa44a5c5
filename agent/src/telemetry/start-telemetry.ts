/** Starts an agent's telemetry beside its control: in a process of its own, so that no flood of logs delays a push. */

import { fork, type ChildProcess } from "node:child_process";
import { constants, setPriority } from "node:os";
import { CallerRefused } from "../callers/caller-refused.ts";
import type { ShownCertificate } from "../identity/shown-certificate.ts";
import type { AddressOwner } from "@heddle/telemetry";
import type { FromTelemetry, ToTelemetry } from "./messages.ts";
import type { Prove } from "./otlp-tls.ts";
import { runTelemetry } from "./run-telemetry.ts";
import type { Log, ScrapeTarget, TelemetryPorts, TelemetrySettings } from "./telemetry-options.ts";

export interface TelemetryOptions extends TelemetrySettings {
  /** The proxies there are now. */
  proxies: () => readonly ScrapeTarget[];
  /** The control's own metrics as Prometheus text. */
  ownMetrics?: () => string;
  /** What `/readyz` answers; true without it. */
  ready?: () => boolean;
  /** Of the port where OTLP is received by TLS: what it shows, and whose a token is. */
  tls?:
    | {
        shown(): ShownCertificate | undefined;
        subscribe(listener: () => void): () => void;
        prove: Prove;
      }
    | undefined;
  /** The workload that has an address; of callers that prove nothing. */
  whoHas?: (address: string) => AddressOwner | undefined;
  log?: Log;
  /** False runs it in this process, as `--roles telemetry` does where the process has nothing else to do. */
  separate?: boolean;
  /** The module that the process runs, where that is another. */
  entry?: URL | string;
}

export interface RunningTelemetry {
  readonly ports: TelemetryPorts;
  /** The process' id; undefined where there is none of its own. */
  readonly pid: number | undefined;
  /** Tells of a change in `proxies` at once; else it is seen within a second. */
  update(): void;
  close(): Promise<void>;
}

/** In a bundle it lies beside this code too, as JavaScript. */
const OWN_ENTRY = new URL(
  `./telemetry-process${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`,
  import.meta.url,
);
/** What Node is told of memory is for both processes; of the rest, such as a debugger's port, nothing. */
const MEMORY_FLAG = /^--(?:optimize-for-size$|max-(?:old|semi)-space-size=)/;
const targetsEveryMs = 1000;
const firstRestartMs = 500;
const longestRestartMs = 30_000;
/** What is under way when the agent ends is given this long to reach the disk. */
const closeMs = 5000;

/** Rejects where it can't start: an address is taken, a directory can't be written. Later it is started again by itself. */
export async function startTelemetry(options: TelemetryOptions): Promise<RunningTelemetry> {
  const log: Log = options.log ?? (() => undefined);
  if (options.separate === false) return startHere(options, log);
  return startApart(options, log);
}

async function startHere(options: TelemetryOptions, log: Log): Promise<RunningTelemetry> {
  const local = await runTelemetry(settingsOf(options), {
    targets: options.proxies,
    ownMetrics: () => Promise.resolve(options.ownMetrics?.() ?? ""),
    ready: () => Promise.resolve(options.ready?.() ?? true),
    prove: options.tls?.prove ?? nobody,
    whoHas: (address) => Promise.resolve(options.whoHas?.(address)),
    log,
  });
  const show = () => {
    const certificate = options.tls?.shown();
    if (certificate) local.show(certificate);
  };
  const stop = options.tls?.subscribe(show);
  show();
  return {
    ports: local.ports,
    pid: undefined,
    update: () => undefined,
    async close() {
      stop?.();
      await local.close();
    },
  };
}

async function startApart(options: TelemetryOptions, log: Log): Promise<RunningTelemetry> {
  let settings = settingsOf(options);
  let closing = false;
  let sent = "";
  let wait = firstRestartMs;
  let restart: NodeJS.Timeout | undefined;
  let child!: ChildProcess;
  // Before the first start: a certificate may come at any time from now on.
  const stop = options.tls?.subscribe(() => show(child));
  let ports = await launch().catch((error: unknown) => {
    stop?.();
    throw error;
  });
  // A later start takes the same ports, whatever was asked for at first.
  settings = {
    ...settings,
    otlpAddress: withPort(settings.otlpAddress, ports.otlp),
    otlpTlsAddress: withPort(settings.otlpTlsAddress, ports.otlpTls),
    metricsAddress: withPort(settings.metricsAddress, ports.metrics),
  };
  const timer = setInterval(update, targetsEveryMs).unref();

  return {
    get ports() {
      return ports;
    },
    get pid() {
      return child.pid;
    },
    update,
    async close() {
      closing = true;
      clearInterval(timer);
      clearTimeout(restart);
      stop?.();
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
      tell(child, { type: "close" });
      const force = setTimeout(() => child.kill("SIGKILL"), closeMs);
      await ended;
      clearTimeout(force);
    },
  };

  function update(): void {
    const targets = options.proxies();
    const text = JSON.stringify(targets);
    if (text === sent) return;
    sent = text;
    tell(child, { type: "targets", targets });
  }

  function show(to: ChildProcess): void {
    const certificate = options.tls?.shown();
    if (certificate) tell(to, { type: "certificate", certificate });
  }

  function prove(id: number, token: string, from: ChildProcess): void {
    (options.tls?.prove ?? nobody)(token).then(
      (sender) => tell(from, { type: "proven", id, sender }),
      (error: unknown) => {
        const { code, what } = error instanceof CallerRefused ? error : unchecked(error);
        tell(from, { type: "refused", id, code, message: what });
      },
    );
  }

  /** From here on `child` is the new process. */
  async function launch(): Promise<TelemetryPorts> {
    const started = fork(options.entry ?? OWN_ENTRY, {
      execArgv: process.execArgv.filter((flag) => MEMORY_FLAG.test(flag)),
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    child = started;
    yieldToControl(started);
    const targets = options.proxies();
    sent = JSON.stringify(targets);
    const ready = new Promise<TelemetryPorts>((resolve, reject) => {
      started.on("message", (message: FromTelemetry) => {
        if (message.type === "started") resolve(message.ports);
        else if (message.type === "failed") reject(new Error(message.message));
        else if (message.type === "log") log(message.level, message.message, message.fields);
        else if (message.type === "prove") prove(message.id, message.token, started);
        else if (message.type === "who")
          tell(started, {
            type: "owner",
            id: message.id,
            owner: options.whoHas?.(message.address),
          });
        else if (message.type === "ask")
          tell(started, {
            type: "state",
            id: message.id,
            metrics: options.ownMetrics?.() ?? "",
            ready: options.ready?.() ?? true,
          });
      });
      started.once("error", reject);
      started.once("exit", (code, signal) =>
        reject(new Error(`HDL5205: the telemetry process ended at once (${signal ?? code}).`)),
      );
    });
    show(started);
    tell(started, { type: "start", settings, targets });
    const bound = await ready;
    started.once("exit", (code, signal) => ended(code, signal));
    return bound;
  }

  /** Control goes on without telemetry while it is started again. */
  function ended(code: number | null, signal: string | null): void {
    if (closing) return;
    log("error", "the telemetry process ended and is started again", {
      code,
      signal,
      afterMs: wait,
    });
    restart = setTimeout(() => {
      launch().then(
        (next) => {
          ports = next;
          wait = firstRestartMs;
        },
        (error: unknown) => {
          log("error", "the telemetry process does not start", { error: String(error) });
          ended(null, null);
        },
      );
    }, wait);
    wait = Math.min(wait * 2, longestRestartMs);
  }
}

function settingsOf(options: TelemetryOptions): TelemetrySettings {
  const {
    otlpAddress,
    otlpTlsAddress,
    metricsAddress,
    plane,
    token,
    mesh,
    spoolDir,
    spoolBytes,
    scrapeIntervalMs,
    batchMs,
  } = options;
  return {
    otlpAddress,
    otlpTlsAddress,
    metricsAddress,
    plane,
    token,
    mesh,
    spoolDir,
    spoolBytes,
    scrapeIntervalMs,
    batchMs,
  };
}

function withPort(address: string | undefined, port: number | undefined): string | undefined {
  return port === undefined ? address : address?.replace(/\d+$/, String(port));
}

function nobody(): Promise<never> {
  return Promise.reject(unchecked());
}

function unchecked(error?: unknown): CallerRefused {
  return new CallerRefused("HDL7254", "The token cannot be checked now.", error);
}

/** Where the machine has too little of it, control gets the time. */
function yieldToControl(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // Not allowed here: it runs as it is.
  }
}

function tell(child: ChildProcess, message: ToTelemetry): void {
  if (child.connected) child.send(message, () => undefined);
}
