/**
 * Envoy's health discovery service, for workloads that are no Pods: the Envoy of each asks here what to check, which is its
 * application by the probe of its WorkloadGroup, and reports how that went. Who is not well is no endpoint.
 */
import type {
  ServerDuplexStream,
  ServiceDefinition,
  UntypedServiceImplementation,
} from "@grpc/grpc-js";
import type { MeshObject } from "@heddle/model";
import type { ProxyDescription } from "@heddle/translate";
import { beforeExpiry, CallerRefused, callerOf, provenProxy } from "../callers/index.ts";
import { streaming } from "../grpc-bytes.ts";
import { checkOf, type ProbeTimes, timesOf } from "./check.ts";
import { readSaid, writeAsked } from "./messages.ts";
import { isOf, type ProbedEntry, probedEntries } from "./probed.ts";
import { judge, newRun, type Run, type Verdict } from "./verdicts.ts";

/** A machine that is away for longer counts as without a probe again: another agent may have it. Milliseconds. */
const AWAY_MS = 60_000;
/**
 * Machines that connect so soon after the agent's start were most likely there before it, and serve: none is left out until
 * its probe fails. Milliseconds.
 */
const ADOPT_MS = 10_000;

export interface HealthOptions {
  /** Everything of the model. */
  readonly objects: () => Iterable<MeshObject>;
  /** An entry, `namespace/name`, is to be an endpoint or not. */
  readonly set: (entry: string, ready: boolean) => void;
  readonly log: {
    info(message: string, fields?: Readonly<Record<string, unknown>>): void;
    warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  };
  /** 10 s unless told otherwise. */
  readonly adoptMs?: number;
  /** A minute unless told otherwise. */
  readonly awayMs?: number;
}

export interface HealthService {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
  /** Keys of objects that came, went or changed. */
  objectsChanged(keys: readonly string[]): void;
  /** How many WorkloadEntries with a probe are left out. */
  unready(): number;
  close(): void;
}

type Call = ServerDuplexStream<Buffer, Buffer>;

interface Machine {
  readonly call: Call;
  readonly proxy: ProxyDescription;
  readonly checks: Map<string, Check>;
  asked: string;
  timer?: NodeJS.Timeout;
}

interface Check {
  readonly probed: ProbedEntry;
  readonly times: ProbeTimes;
  readonly run: Run;
  /** When it is to begin, milliseconds. */
  readonly from: number;
}

export function createHealthService(options: HealthOptions): HealthService {
  const { objects, set, log, adoptMs = ADOPT_MS, awayMs = AWAY_MS } = options;
  const now = () => performance.now();
  const started = now();
  const machines = new Map<Call, Machine>();
  const verdicts = new Map<string, Verdict>();
  const forgetting = new Map<string, NodeJS.Timeout>();
  let probed = probedEntries(objects());

  function decide(entry: string, verdict: Verdict): void {
    const before = verdicts.get(entry);
    if (before === verdict) return;
    if (verdict === undefined) verdicts.delete(entry);
    else verdicts.set(entry, verdict);
    if (isReady(before) === isReady(verdict)) return;
    set(entry, isReady(verdict));
    const message = isReady(verdict) ? "is an endpoint again" : "is no endpoint: its probe fails";
    if (verdict !== "waiting") log.info(`health: a workload ${message}`, { entry });
  }

  function receive(call: Call, bytes: Buffer): void {
    const { node, reports } = readSaid(bytes);
    const known = machines.get(call);
    if (node && !known) {
      const proxy = provenProxy(node, callerOf(call));
      const machine: Machine = { call, proxy, checks: new Map(), asked: "" };
      machines.set(call, machine);
      follow(machine);
      return;
    }
    for (const [entry, healthy] of reports) {
      const check = known?.checks.get(entry);
      if (check === undefined) continue;
      const grpc = check.probed.probe.grpc !== undefined;
      decide(entry, judge(verdicts.get(entry), check.run, healthy, check.times, grpc, now()));
    }
  }

  /** Brings what a machine is asked in line with the objects. */
  function follow(machine: Machine): void {
    const { checks, proxy } = machine;
    for (const [entry, { probed: before }] of checks) {
      const after = probed.get(entry);
      if (!after || JSON.stringify(after) !== JSON.stringify(before)) checks.delete(entry);
    }
    for (const [entry, each] of probed) {
      if (checks.has(entry) || !isOf(each, proxy)) continue;
      clearTimeout(forgetting.get(entry));
      forgetting.delete(entry);
      const times = timesOf(each.probe);
      // One that is known, or was there before this agent, has had its time to start.
      const fresh = !verdicts.has(entry) && now() - started >= adoptMs;
      if (fresh) decide(entry, "waiting");
      const from = fresh ? now() + times.initialDelay : 0;
      checks.set(entry, { probed: each, times, run: newRun(), from });
    }
    ask(machine);
  }

  /** What is not due yet is asked for when it is. */
  function ask(machine: Machine): void {
    const { call, proxy, checks } = machine;
    clearTimeout(machine.timer);
    const all = [...checks.entries()];
    const next = Math.min(...all.map(([, { from }]) => from).filter((from) => from > now()));
    if (next < Infinity) machine.timer = setTimeout(() => ask(machine), next - now() + 1);
    const due = all
      .filter(([, { from }]) => from <= now())
      .map(([entry, check]) => checkOf(entry, check.probed.probe, proxy.appAddress));
    const text = JSON.stringify(due);
    if (text === machine.asked || (due.length === 0 && machine.asked === "")) return;
    machine.asked = text;
    call.write(Buffer.from(writeAsked(due)));
  }

  function ended(call: Call): void {
    const machine = machines.get(call);
    if (machine === undefined) return;
    machines.delete(call);
    clearTimeout(machine.timer);
    for (const entry of machine.checks.keys()) {
      if ([...machines.values()].some(({ checks }) => checks.has(entry))) continue;
      const timer = setTimeout(() => {
        forgetting.delete(entry);
        decide(entry, undefined);
      }, awayMs);
      forgetting.set(entry, timer);
    }
  }

  function open(call: Call): void {
    const stopWaiting = beforeExpiry(callerOf(call), () => {
      end();
      call.end();
    });
    const end = () => {
      stopWaiting();
      ended(call);
    };
    call.on("data", (bytes: Buffer) => {
      try {
        receive(call, bytes);
      } catch (error) {
        end();
        if (error instanceof CallerRefused) {
          log.warn("health: a machine is refused", { error: error.message });
          call.emit("error", error.status);
          return;
        }
        log.warn("health: a message could not be read", { error: String(error) });
        call.end();
      }
    });
    call.on("end", () => {
      end();
      call.end();
    });
    call.on("cancelled", end);
    call.on("error", end);
  }

  return {
    definition: { StreamHealthCheck: METHOD },
    implementation: { StreamHealthCheck: open },
    objectsChanged(keys) {
      if (!keys.some((key) => CONCERNED.some((kind) => key.startsWith(kind)))) return;
      probed = probedEntries(objects());
      for (const entry of verdicts.keys()) if (!probed.has(entry)) decide(entry, undefined);
      for (const machine of machines.values()) follow(machine);
    },
    unready: () => [...verdicts.values()].filter((verdict) => !isReady(verdict)).length,
    close() {
      for (const timer of forgetting.values()) clearTimeout(timer);
      for (const machine of machines.values()) {
        clearTimeout(machine.timer);
        machine.call.end();
      }
      machines.clear();
    },
  };
}

function isReady(verdict: Verdict): boolean {
  return verdict === undefined || verdict === "up";
}

const CONCERNED = ["networking.istio.io/WorkloadEntry/", "networking.istio.io/WorkloadGroup/"];

const METHOD = streaming("/envoy.service.health.v3.HealthDiscoveryService/StreamHealthCheck");
