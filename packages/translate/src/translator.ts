/** Turns the model of a mesh into what each of its proxies should hold, and keeps it so as the model changes. */
import { signal } from "@preact/signals-core";
import type { Diagnostic } from "@heddle/model";
import { Claims } from "./engine/claims.ts";
import { Drain, type Schedule } from "./engine/drain.ts";
import { Engine, type EngineStats, type Failure } from "./engine/engine.ts";
import type { Change } from "./overlay.ts";
import type { Cohort, ProxyDescription } from "./proxy.ts";
import type { ClientView, MeshSettings, ModelReader } from "./read.ts";
import { createReader } from "./store/reader.ts";
import { Store } from "./store/store.ts";
import { clientViewOf } from "./view/client-view.ts";
import { outboundParts } from "./view/outbound.ts";
import { type AcquiredSet, LiveView, type ProxyView } from "./view/proxy-view.ts";
import { ResourceSet } from "./view/resource-set.ts";

export interface TranslatorOptions {
  readonly mesh: MeshSettings;
  /** The cluster that the model's pods run in. */
  readonly clusterId?: string;
  /** Time and turns; those of the runtime unless given. */
  readonly schedule?: Schedule;
}

export interface Translator {
  /**
   * Changes the model, all at once. Views follow: whoever reads one sees the change at once, listeners hear of it as soon
   * as the caller returns, and after large changes in slices of a few milliseconds. Throws TypeError when a change's key
   * is not its object's.
   */
  apply(changes: readonly Change[]): void;
  /** The settings in force: those given at the start, and what a MeshSettings object says instead. */
  mesh(): MeshSettings;
  /** A view stays up to date, and costs memory, until it is disposed of. */
  view(proxy: ProxyDescription): ProxyView;
  /** What could not be translated; the last good value stands in its place. */
  diagnostics(): readonly Diagnostic[];
  /** Counters since the last call. */
  stats(): TranslatorStats;
  /** Resolves when every view is in step with what was applied, and its listeners have been told. */
  settled(): Promise<void>;
}

export interface TranslatorStats extends EngineStats {
  readonly views: number;
  /** Sets of outbound resources, one for each distinct client view. */
  readonly outboundSets: number;
}

export function createTranslator(options: TranslatorOptions): Translator {
  const { mesh, clusterId = "", schedule = RUNTIME } = options;
  const claims = new Claims();
  const store = new Store(mesh, clusterId, claims);
  const drain = new Drain(schedule, () => claims.sweep());
  /** Engines are as old as the indexes that they read. */
  const generation = signal(0);
  let cohorts = { stable: cohort("stable"), candidate: cohort("candidate") };
  const outbound = new Map<string, SharedSet>();
  const views = new Set<LiveView>();
  const unexpected = new Map<string, Diagnostic>();

  function cohort(name: Cohort): { readonly engine: Engine; readonly read: ModelReader } {
    const engine = new Engine(claims);
    const read = createReader(store, name, engine);
    engine.reader = read;
    return { engine, read };
  }

  const readerOf = (client: ClientView): ModelReader => cohorts[client.cohort].read;

  function onError(error: unknown): void {
    const diagnostic = diagnosticOf({ derivation: "view", key: "", error });
    unexpected.set(diagnostic.message, diagnostic);
  }

  function acquire(client: ClientView): AcquiredSet {
    const key = `${generation.peek()}|${client.cohort}|${client.key}`;
    let shared = outbound.get(key);
    if (shared === undefined) {
      const parts = outboundParts(readerOf(client), client);
      shared = { key, set: new ResourceSet({ parts, drain, onError }), holders: 0 };
      outbound.set(key, shared);
    }
    shared.holders++;
    const held = shared;
    return {
      set: held.set,
      release: () => {
        if (--held.holders > 0) return;
        outbound.delete(held.key);
        held.set.dispose();
      },
    };
  }

  return {
    apply(changes) {
      if (store.apply(changes)) {
        cohorts = { stable: cohort("stable"), candidate: cohort("candidate") };
        generation.value++;
      }
      drain.wake();
    },
    mesh: () => store.settings,
    view(proxy) {
      const view: LiveView = new LiveView({
        proxy,
        drain,
        onError,
        clientView: () => {
          const { staged } = store;
          const { read } =
            staged && proxy.cohort === "candidate" ? cohorts.candidate : cohorts.stable;
          return clientViewOf(read, proxy, staged);
        },
        generation: () => generation.value,
        readerOf,
        acquire,
        onDispose: () => views.delete(view),
      });
      views.add(view);
      return view;
    },
    diagnostics() {
      const failures = [cohorts.stable, cohorts.candidate].flatMap(({ engine }) =>
        engine.failures(),
      );
      return [...store.problems(), ...failures.map(diagnosticOf), ...unexpected.values()];
    },
    stats() {
      const [a, b] = [cohorts.stable.engine.stats(), cohorts.candidate.engine.stats()];
      return { ...addStats(a, b), views: views.size, outboundSets: outbound.size };
    },
    settled: () => drain.settled(),
  };
}

interface SharedSet {
  readonly key: string;
  readonly set: ResourceSet;
  holders: number;
}

const RUNTIME: Schedule = {
  now: () => performance.now(),
  soon: (run) => queueMicrotask(run),
  later: (run) => void setImmediate(run),
};

function diagnosticOf({ derivation, key, error }: Failure): Diagnostic {
  const reason = error instanceof Error ? error.message : String(error);
  return {
    code: "HDL4002",
    level: "Error",
    message: `${derivation} could not be derived: ${reason}`,
    origin: key === "" ? derivation : `${derivation} ${key}`,
    remedy:
      "proxies keep the last good value; undo the last change to the objects it is made from, and report this with them",
  };
}

function addStats(a: EngineStats, b: EngineStats): EngineStats {
  const byName = { ...a.byName };
  for (const [name, stats] of Object.entries(b.byName)) {
    const known = byName[name] ?? { alive: 0, recomputed: 0 };
    byName[name] = {
      alive: known.alive + stats.alive,
      recomputed: known.recomputed + stats.recomputed,
    };
  }
  return { alive: a.alive + b.alive, recomputed: a.recomputed + b.recomputed, byName };
}
