/** The model in memory, changed in batches, read through tracked questions, with two readings while a change is staged. */
import { batch, signal } from "@preact/signals-core";
import { type Diagnostic, type MeshObject, originOf } from "@heddle/model";
import type { Claims } from "../engine/claims.ts";
import type { Change } from "../overlay.ts";
import type { Cohort } from "../proxy.ts";
import type { MeshSettings } from "../read.ts";
import { checkKey, Side } from "./side.ts";

export class Store {
  readonly mesh: MeshSettings;
  readonly #newSide: () => Side;
  readonly #stable: Side;
  /** What candidates read instead; only objects that differ. */
  readonly #staged = new Map<string, MeshObject<unknown> | null>();
  /** Exists while something is staged. */
  readonly #candidate = signal<Side | undefined>(undefined);
  readonly #problems = new Map<string, Diagnostic>();

  /** `clusterId` is the cluster that the objects' pods run in. */
  constructor(mesh: MeshSettings, clusterId: string, claims: Claims) {
    this.mesh = mesh;
    this.#newSide = () => new Side(claims, mesh, clusterId);
    this.#stable = this.#newSide();
  }

  /** What a cohort reads; tracked, as it changes with the first staged object and the last. */
  side(cohort: Cohort): Side {
    return cohort === "stable" ? this.#stable : (this.#candidate.value ?? this.#stable);
  }

  /** Whether candidates read anything that others do not; tracked. */
  get staged(): boolean {
    return this.#candidate.value !== undefined;
  }

  /** Objects that an index could not take. */
  problems(): readonly Diagnostic[] {
    return [...this.#problems.values()];
  }

  /** One batch: no derivation sees some of the changes and not the others. */
  apply(changes: readonly Change[]): void {
    for (const change of changes) {
      checkKey(change.key, change.object);
      checkKey(change.key, change.candidate);
    }
    const staged = this.#candidate.peek();
    for (const change of changes) {
      this.#set(this.#stable, change.key, change.object);
      if (change.candidate === undefined) this.#staged.delete(change.key);
      else this.#staged.set(change.key, change.candidate);
      if (staged !== undefined) this.#set(staged, change.key, this.#candidateOf(change));
    }
    batch(() => {
      this.#stable.flush();
      if (this.#staged.size === 0) this.#candidate.value = undefined;
      else if (staged === undefined) this.#candidate.value = this.#buildCandidate();
      else staged.flush();
    });
  }

  #candidateOf(change: Change): MeshObject<unknown> | null {
    return change.candidate === undefined ? change.object : change.candidate;
  }

  #buildCandidate(): Side {
    const side = this.#newSide();
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
