/** A change laid over others' objects for a while: how canaries, chaos and staged rollouts act without editing them. */
import type { MeshObject } from "@heddle/model";

/** One object's value in one translation; `null` takes the object away. */
export interface Change {
  /** `group/Kind/namespace/name`. */
  readonly key: string;
  readonly object: MeshObject<unknown> | null;
  /** What the candidate cohort reads instead; absent: the same as everybody. */
  readonly candidate?: MeshObject<unknown> | null;
}

export interface Overlay {
  /** Who made it, for instance `canary/shop/reviews`; an overlay with the same name takes its place. */
  readonly name: string;
  /** Which proxies read the mesh through it. */
  readonly scope: OverlayScope;
  /** Milliseconds since 1970; from then on nobody reads it, also where the hosted plane is out of reach. */
  readonly expiry: number;
  readonly changes: readonly OverlayChange[];
}

export type OverlayScope =
  | { readonly kind: "everyone" }
  /** Proxies of the candidate cohort. */
  | { readonly kind: "candidates" }
  /** Proxies of a namespace that carry all these labels. */
  | {
      readonly kind: "workloads";
      readonly namespace: string;
      readonly labels: Readonly<Record<string, string>>;
    };

export interface OverlayChange {
  readonly key: string;
  readonly object: MeshObject<unknown> | null;
}
