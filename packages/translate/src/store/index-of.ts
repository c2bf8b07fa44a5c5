/** What the store asks of each index of the model. */
import type { MeshObject } from "@heddle/model";

/**
 * An index keeps plain data by the keys that questions are asked by, and one `Tracked` for each question. A new kind of
 * object gets its index in a file of its own and a line in `indexes.ts`.
 */
export interface ModelIndex {
  /** The kinds it wants to hear of, as `group/Kind`; the core group is `core`. */
  readonly kinds: readonly string[];
  /** An object came, went or changed. Changes plain data and touches what may have another answer now. */
  change(before: MeshObject<never> | undefined, after: MeshObject<never> | undefined): void;
  /** Lets the answers follow; called in one batch for all indexes when all data has changed. */
  flush(): void;
}
