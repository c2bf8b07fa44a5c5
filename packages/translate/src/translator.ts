/** Turns the model of a mesh into what each of its proxies should hold, and keeps it so as the model changes. */
import { signal } from "@preact/signals-core";
import {
  type AccessExplanation,
  type AccessQuestion,
  type Diagnostic,
  parseObjectKey,
  type Revision,
} from "@heddle/model";
import { explainAccess } from "./access/explain.ts";
import type { SigningKeysState } from "./authentication/signing-keys.ts";
import { ChangeRecorder } from "./engine/changes/change-recorder.ts";
import type { RecordedChange } from "./engine/changes/recorded-change.ts";
import { Claims } from "./engine/claims.ts";
import { Drain, type Schedule } from "./engine/drain.ts";
import { Engine, type EngineStats, type Failure } from "./engine/engine.ts";
import { createEffectQuestion, type NamedResource } from "./origin/explain.ts";
import type { Change } from "./overlay.ts";
import type { EnvoyApi } from "./patch/envoy-api.ts";
import type { Cohort, ProxyDescription } from "./proxy.ts";
import type { MeshSettings } from "./mesh-settings.ts";
import type { ClientView, ModelReader } from "./read.ts";
import { createReader } from "./store/reader.ts";
import type { Elsewhere, GatewayElsewhere } from "./store/elsewhere.ts";
import { Store } from "./store/store.ts";
import { type Peer, peerOfEndpoint, type PodOfProxy, workloadOfPod } from "./telemetry/peer.ts";
import type { OwnService } from "./store/workloads.ts";
import { clientViewOf } from "./view/client-view.ts";
import { outboundParts } from "./view/outbound.ts";
import { type AcquiredSet, LiveView, type ProxyView } from "./view/proxy-view.ts";
import { ResourceSet } from "./view/resource-set.ts";
import type { WasmModuleState } from "./wasm/module.ts";

export interface TranslatorOptions {
  readonly mesh: MeshSettings;
  /** The cluster that the model's pods run in. */
  readonly clusterId?: string;
  /** Which of several controllers' Gateways are served; without it as if there were no other. */
  readonly revision?: Revision;
  /** The network of those that do not say theirs; unknown where it is left out. */
  readonly network?: string | undefined;
  /** What EnvoyFilters are read with: `canonical` and `merge` of `@heddle/envoy`. Without it they are refused. */
  readonly envoyApi?: EnvoyApi;
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
  /** What has come of a plugin's module, by `wasmModuleKey`; undefined: it is not known (any more). */
  setWasmModule(key: string, state: WasmModuleState | undefined): void;
  /** What has come of the keys of tokens' issuers, by `keySourceName`; undefined: they are not known (any more). */
  setSigningKeys(source: string, state: SigningKeysState | undefined): void;
  /** Names the last revocation: connections of the mesh from before this call are to end, as far as proxies can. */
  setRevocation(name: string): void;
  /** Trust domains of others whose identities are taken too; none until told otherwise. */
  setFederatedTrustDomains(trustDomains: readonly string[]): void;
  /** Whether a WorkloadEntry, `namespace/name`, may be an endpoint; they all may until told otherwise. */
  setWorkloadReady(entry: string, ready: boolean): void;
  /** What other clusters of the mesh have, by any keys; undefined: it is gone. */
  setElsewhere(changes: ReadonlyMap<string, Elsewhere | undefined>): void;
  /** What the model's own cluster has of what clusters may serve together, for others to be told. */
  readonly own: OwnCluster;
  /** The settings in force: those given at the start, and what a MeshSettings object says instead. */
  mesh(): MeshSettings;
  /** What metrics, logs and spans call the workload of a pod. */
  workloadOf(pod: PodOfProxy): Peer;
  /** The workload that has an address, of a pod or of an entry; undefined for an address that nobody here has. */
  workloadAt(address: string): Peer | undefined;
  /** A view stays up to date, and costs memory, until it is disposed of. */
  view(proxy: ProxyDescription): ProxyView;
  /** Whether the proxy of a workload would take a request, and what decides. */
  explain(proxy: ProxyDescription, question: AccessQuestion): AccessExplanation;
  /** What could not be translated; the last good value stands in its place. */
  diagnostics(): readonly Diagnostic[];
  /** The resources of each view that were made from an object, by its key; views that have none of it are left out. */
  effectOf(key: string): readonly Effect[];
  /** What the last changes made it compute, and why, oldest first. */
  changes(): readonly RecordedChange[];
  /** Counters since the last call. */
  stats(): TranslatorStats;
  /** Resolves when every view is in step with what was applied, and its listeners have been told. */
  settled(): Promise<void>;
}

export interface OwnCluster {
  /**
   * Services, `host|namespace`, that may have changed since the last call, at first all of them; `OWN_GATEWAYS` among them
   * stands for gateways into networks.
   */
  takeChanged(): ReadonlySet<string>;
  /** As the stable cohort reads it; undefined: there is none, or it is no service that clusters serve together. */
  service(host: string, namespace: string): OwnService | undefined;
  gateways(): readonly GatewayElsewhere[];
}

/** What an object has become at one proxy. */
export interface Effect {
  readonly proxy: ProxyDescription;
  readonly resources: readonly NamedResource[];
}

export interface TranslatorStats extends EngineStats {
  readonly views: number;
  /** Sets of outbound resources, one for each distinct client view. */
  readonly outboundSets: number;
}

export function createTranslator(options: TranslatorOptions): Translator {
  const { mesh, clusterId = "", network, revision, schedule = RUNTIME, envoyApi } = options;
  const recorder = new ChangeRecorder(schedule.now);
  const claims = new Claims(recorder);
  const cluster = { clusterId, ...(network ? { network } : {}) };
  const store = new Store(mesh, cluster, claims, envoyApi, revision);
  const drain = new Drain(schedule, () => {
    recorder.settled();
    claims.sweep();
  });
  /** Engines are as old as the indexes that they read. */
  const generations = { stable: signal(0), candidate: signal(0) };
  const cohorts = { stable: cohort("stable"), candidate: cohort("candidate") };
  const outbound = new Map<string, SharedSet>();
  const views = new Set<LiveView>();
  const unexpected = new Map<string, Diagnostic>();

  function cohort(name: Cohort): { readonly engine: Engine; readonly read: ModelReader } {
    const engine = new Engine(claims);
    const read = createReader(store, name, engine);
    engine.reader = read;
    return { engine, read };
  }

  /** Whose values a proxy reads: while nothing is staged there are only one cohort's; tracked. */
  const cohortOf = (proxy: ProxyDescription): Cohort => (store.staged ? proxy.cohort : "stable");
  const readerOf = (client: ClientView): ModelReader => cohorts[client.cohort].read;

  function onError(error: unknown): void {
    const diagnostic = diagnosticOf({ derivation: "view", key: "", error, objects: [] });
    unexpected.set(diagnostic.message, diagnostic);
  }

  function acquire(client: ClientView): AcquiredSet {
    const key = `${generations[client.cohort].peek()}|${client.cohort}|${client.key}`;
    let shared = outbound.get(key);
    if (shared === undefined) {
      const parts = outboundParts(readerOf(client), client);
      const of = { name: "view/outbound", of: client.key };
      const set = new ResourceSet({ ...of, parts, recorder, drain, onError });
      shared = { key, set, holders: 0 };
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
      for (const name of store.apply(changes)) {
        cohorts[name] = cohort(name);
        generations[name].value++;
      }
      drain.wake();
    },
    setWasmModule(key, state) {
      recorder.apply(["a plugin's module"]);
      store.wasmModules.set(key, state);
      drain.wake();
    },
    setSigningKeys(source, state) {
      recorder.apply(["keys of an issuer"]);
      store.signingKeys.set(source, state);
      drain.wake();
    },
    setRevocation(name) {
      recorder.apply(["a revocation"]);
      store.revocation.value = name;
      drain.wake();
    },
    setFederatedTrustDomains(trustDomains) {
      recorder.apply(["trust domains of others"]);
      store.setFederatedTrustDomains(trustDomains);
      drain.wake();
    },
    setWorkloadReady(entry, ready) {
      recorder.apply(["readiness of a WorkloadEntry"]);
      store.setWorkloadReady(entry, ready);
      drain.wake();
    },
    setElsewhere(changes) {
      recorder.apply(["what other clusters have"]);
      store.setElsewhere(changes);
      drain.wake();
    },
    own: {
      takeChanged: () => store.takeOwnChanged(),
      service: (host, namespace) => store.ownService(host, namespace),
      gateways: () => store.ownGateways(),
    },
    mesh: () => store.settings,
    workloadOf: (pod) => workloadOfPod(cohorts.stable.read, pod),
    workloadAt(address) {
      const found = cohorts.stable.read.workload(address);
      return found && peerOfEndpoint(found);
    },
    view(proxy) {
      const view: LiveView = new LiveView({
        proxy,
        recorder,
        drain,
        onError,
        clientView: () => clientViewOf(cohorts[cohortOf(proxy)].read, proxy, store.staged),
        generation: () => generations[cohortOf(proxy)].value,
        readerOf,
        acquire,
        onDispose: () => views.delete(view),
      });
      views.add(view);
      return view;
    },
    explain: (proxy, question) => explainAccess(cohorts[cohortOf(proxy)].read, proxy, question),
    diagnostics() {
      const failures = [cohorts.stable, cohorts.candidate].flatMap(({ engine }) =>
        engine.failures(),
      );
      return [...store.problems(), ...failures.map(diagnosticOf), ...unexpected.values()];
    },
    effectOf(key) {
      // In step with the model first: who reads what is known only then.
      const layered = Array.from(views, (view) => ({ proxy: view.proxy, layers: view.layers() }));
      const question = createEffectQuestion(key, claims.holding(key));
      return layered.flatMap(({ proxy, layers }) => {
        const resources = question(layers);
        return resources.length > 0 ? [{ proxy, resources }] : [];
      });
    },
    changes: () => recorder.changes(),
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

function diagnosticOf({ derivation, key, error, objects }: Failure): Diagnostic {
  const reason = error instanceof Error ? error.message : String(error);
  const [first, ...others] = objects.map(nameOfKey);
  const what = key === "" ? derivation : `${derivation} ${key}`;
  const also = others.length > 0 ? `, made from ${others.slice(0, 5).join(", ")} too,` : "";
  return {
    code: "HDL4002",
    level: "Error",
    message: `${first === undefined ? derivation : `${what}${also}`} could not be derived: ${reason}`,
    origin: first ?? what,
    remedy:
      "proxies keep the last good value; undo the last change to the objects it is made from, and report this with them",
  };
}

/** As messages name an object. */
function nameOfKey(key: string): string {
  const { kind = key, namespace = "", name = "" } = parseObjectKey(key) ?? {};
  return namespace === "" ? `${kind} ${name}` : `${kind} ${namespace}/${name}`;
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
