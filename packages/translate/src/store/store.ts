/** The model in memory, changed in batches, read through tracked questions, with two readings while a change is staged. */
import { batch, signal } from "@preact/signals-core";
import {
  type Diagnostic,
  MESH_SETTINGS_KEY,
  type MeshObject,
  type MeshSettingsSpec,
  ONLY_REVISION,
  originOf,
  type Revision,
} from "@heddle/model";
import type { ChangeRecorder } from "../engine/changes/change-recorder.ts";
import type { Claims } from "../engine/claims.ts";
import type { Change } from "../overlay.ts";
import type { SigningKeysState } from "../authentication/signing-keys.ts";
import type { EnvoyApi } from "../patch/envoy-api.ts";
import type { Cohort } from "../proxy.ts";
import type { MeshSettings } from "../mesh-settings.ts";
import { type Elsewhere, ElsewhereData, type GatewayElsewhere } from "./elsewhere.ts";
import { Fetched } from "./fetched.ts";
import { Settings } from "./settings.ts";
import { checkKey, Side } from "./side.ts";
import type { WasmModuleState } from "../wasm/module.ts";
import type { ClusterOfWorkloads, OwnService } from "./workloads.ts";

const COHORTS = ["stable", "candidate"] as const satisfies readonly Cohort[];

export class Store {
  readonly #settings: Readonly<Record<Cohort, Settings>>;
  readonly envoyApi: EnvoyApi | undefined;
  readonly revision: Revision;
  readonly wasmModules: Fetched<WasmModuleState>;
  readonly signingKeys: Fetched<SigningKeysState>;
  /** Names the mesh's last revocation. */
  readonly revocation = signal<string | undefined>(undefined);
  readonly #newSide: (cohort: Cohort) => Side;
  readonly #recorder: ChangeRecorder;
  #stable: Side;
  /** What candidates read instead; only objects that differ. */
  readonly #staged = new Map<string, MeshObject<unknown> | null>();
  /** Exists while something is staged. */
  readonly #candidate = signal<Side | undefined>(undefined);
  /** WorkloadEntries that are no endpoints, `namespace/name`: a reading of the outside world, equal in both readings of the model. */
  readonly #unready = new Set<string>();
  readonly #elsewhere = new ElsewhereData();
  /** Services of this cluster, `host|namespace`, that may have changed since somebody asked; undefined: nobody asks. */
  #ownChanged: Set<string> | undefined;
  readonly #problems = new Map<string, Diagnostic>();

  /** `cluster` is what the objects' pods run in. A MeshSettings object goes over `mesh`. */
  constructor(
    mesh: MeshSettings,
    cluster: ClusterOfWorkloads,
    claims: Claims,
    envoyApi?: EnvoyApi,
    revision: Revision = ONLY_REVISION,
  ) {
    this.envoyApi = envoyApi;
    this.revision = revision;
    this.wasmModules = new Fetched(claims, "model/wasm-module");
    this.signingKeys = new Fetched(claims, "model/signing-keys");
    const { recorder } = claims;
    this.#recorder = recorder;
    this.#settings = {
      stable: new Settings(mesh, recorder),
      candidate: new Settings(mesh, recorder),
    };
    this.#newSide = (cohort) =>
      new Side(
        claims,
        this.#settings[cohort].now,
        cluster,
        envoyApi,
        this.#unready,
        this.#elsewhere,
      );
    this.#stable = this.#newStable();
  }

  /** What a cohort goes by; reading a member is tracked. */
  mesh(cohort: Cohort): MeshSettings {
    return this.#settings[cohort].tracked;
  }

  /** Of the stable cohort; untracked. */
  get settings(): MeshSettings {
    return this.#settings.stable.now;
  }

  /** What a cohort reads; tracked, as it changes with the first staged object and the last. */
  side(cohort: Cohort): Side {
    return cohort === "stable" ? this.#stable : (this.#candidate.value ?? this.#stable);
  }

  /** Whether candidates read anything that others do not; tracked. */
  get staged(): boolean {
    return this.#candidate.value !== undefined;
  }

  setFederatedTrustDomains(federatedTrustDomains: readonly string[]): void {
    batch(() => {
      for (const cohort of COHORTS) this.#settings[cohort].give({ federatedTrustDomains });
    });
  }

  setWorkloadReady(entry: string, ready: boolean): void {
    if (ready) this.#unready.delete(entry);
    else this.#unready.add(entry);
    const sides = [this.#stable, this.#candidate.peek()];
    batch(() => {
      for (const side of sides) {
        side?.workloads.readinessChanged(entry);
        side?.flush();
      }
    });
  }

  setElsewhere(changes: ReadonlyMap<string, Elsewhere | undefined>): void {
    const { services, networks } = this.#elsewhere.change(changes);
    batch(() => {
      for (const side of [this.#stable, this.#candidate.peek()]) {
        for (const service of services) side?.workloads.elsewhereChanged(service);
        for (const network of networks) side?.networks.elsewhereChanged(network);
        side?.flush();
      }
    });
  }

  /** What this cluster has of a service that clusters serve together, as everybody reads it. */
  ownService(host: string, namespace: string): OwnService | undefined {
    return this.#stable.workloads.own(host, namespace);
  }

  ownGateways(): readonly GatewayElsewhere[] {
    return this.#stable.networks.own();
  }

  /** Since the last call, `host|namespace`; at first all there are. Gateways are `OWN_GATEWAYS`. */
  takeOwnChanged(): ReadonlySet<string> {
    const taken = this.#ownChanged;
    this.#ownChanged = new Set();
    return taken ?? new Set([...this.#stable.workloads.shared()].map(ownKey)).add(OWN_GATEWAYS);
  }

  #newStable(): Side {
    const side = this.#newSide("stable");
    side.workloads.ownChanged = (host, namespace) =>
      this.#ownChanged?.add(ownKey({ host, namespace }));
    side.networks.ownChanged = () => this.#ownChanged?.add(OWN_GATEWAYS);
    return side;
  }

  /** Objects that an index could not take. */
  problems(): readonly Diagnostic[] {
    return [...this.#problems.values(), ...this.#stable.problems()];
  }

  /**
   * One batch: no derivation sees some of the changes and not the others. Answers with the cohorts whose indexes had to be
   * made anew: whoever has read their old ones hears of nothing any more and must read again.
   */
  apply(changes: readonly Change[]): readonly Cohort[] {
    for (const change of changes) {
      checkKey(change.key, change.object);
      checkKey(change.key, change.candidate);
    }
    this.#recorder.apply(changes.map(({ key }) => key));
    const settings = changes.findLast(({ key }) => key === MESH_SETTINGS_KEY);
    const anew = settings ? this.#chooseSettings(settings) : [];
    if (anew.includes("stable")) this.#stable = this.#rebuilt(this.#stable);
    const staged = anew.includes("candidate") ? undefined : this.#candidate.peek();
    for (const change of changes) {
      this.#recorder.object = change.key;
      this.#set(this.#stable, change.key, change.object);
      if (change.candidate === undefined) this.#staged.delete(change.key);
      else this.#staged.set(change.key, change.candidate);
      if (staged !== undefined) this.#set(staged, change.key, this.#candidateOf(change));
    }
    this.#recorder.object = undefined;
    batch(() => {
      this.#stable.flush();
      if (this.#staged.size === 0) this.#candidate.value = undefined;
      else if (staged === undefined) this.#candidate.value = this.#buildCandidate();
      else staged.flush();
    });
    return anew;
  }

  /** What indexes are made with changes seldom: then they are made anew, for the cohorts that are answered. */
  #chooseSettings(change: Change): readonly Cohort[] {
    const values = { stable: change.object, candidate: this.#candidateOf(change) };
    return COHORTS.filter((cohort) => {
      const settings = this.#settings[cohort];
      const before = settings.choose(values[cohort]?.spec as MeshSettingsSpec | undefined);
      return indexed(before) !== indexed(settings.now);
    });
  }

  #rebuilt(old: Side): Side {
    for (const each of old.workloads.shared()) this.#ownChanged?.add(ownKey(each));
    const side = this.#newStable();
    for (const [key, object] of old.objects.entries()) this.#set(side, key, object);
    return side;
  }

  #candidateOf(change: Change): MeshObject<unknown> | null {
    return change.candidate === undefined ? change.object : change.candidate;
  }

  #buildCandidate(): Side {
    const side = this.#newSide("candidate");
    for (const [key, object] of this.#stable.objects.entries()) {
      if (!this.#staged.has(key)) this.#set(side, key, object);
    }
    for (const [key, object] of this.#staged) this.#set(side, key, object);
    return side;
  }

  /** An object that an index cannot take is reported and left out of what failed; the others go on. */
  #set(side: Side, key: string, object: MeshObject<unknown> | null): void {
    this.#problems.delete(key);
    try {
      side.set(key, object ?? undefined);
    } catch (error) {
      this.#problems.set(key, {
        code: "HDL4001",
        level: "Error",
        message: `cannot be taken into the mesh: ${error instanceof Error ? error.message : String(error)}`,
        origin: object === null ? key : originOf(object),
        remedy:
          "check the object's fields against its schema; the rest of the mesh is not affected",
      });
    }
  }
}

/** Among services that changed, what stands for gateways between networks. */
export const OWN_GATEWAYS = "|";

const ownKey = ({ host, namespace }: { readonly host: string; readonly namespace: string }) =>
  `${host}|${namespace}`;

/** The settings that indexes are made with. */
function indexed({ clusterDomain, rootNamespace, trustDomain }: MeshSettings): string {
  return JSON.stringify([clusterDomain, rootNamespace, trustDomain]);
}
