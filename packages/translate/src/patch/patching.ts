/** The application of a set of patches to one resource: what it applies, and what it notes. */
import type { EnvoyApi, Fields } from "./envoy-api.ts";
import { messageOf, type Patch, type PatchTarget } from "./compile.ts";
import type { ServerPorts } from "./matching.ts";
import { contextMatches } from "./matching.ts";
import type { PatchContext, PatchSet } from "./patch-set.ts";

export class Patching {
  readonly context: PatchContext;
  readonly serverPorts: ServerPorts;
  /** Whose patches have changed something. */
  readonly objects = new Set<string>();
  readonly #set: PatchSet;
  readonly #api: EnvoyApi;

  constructor(set: PatchSet, api: EnvoyApi, context: PatchContext, serverPorts: ServerPorts) {
    this.#set = set;
    this.#api = api;
    this.context = context;
    this.serverPorts = serverPorts;
  }

  /** Patches of a target that speak of this context, in order. */
  of(target: PatchTarget): readonly Patch[] {
    return this.#set.patches.filter(
      (patch) => patch.applyTo === target && contextMatches(patch, this.context),
    );
  }

  /** Patches of a target, whatever context they speak of. */
  everywhere(target: PatchTarget): readonly Patch[] {
    return this.#set.patches.filter(({ applyTo }) => applyTo === target);
  }

  /** Whether a patch changed something, so that its object is named with the resource. */
  note<T>({ object }: Patch, before: T, after: T): T {
    if (before !== after) this.objects.add(object);
    return after;
  }

  /** `base` with the patch's value merged in; `base` itself for other operations. */
  merged<T extends object>(patch: Patch, base: T, value: Fields = patch.value): T {
    if (patch.operation !== "MERGE" && patch.operation !== "MERGE_AND_REPLACE_LIST") return base;
    const lists = patch.operation === "MERGE" ? "append" : "replace";
    const message = messageOf(patch.applyTo);
    return this.note(patch, base, this.#api.merge(message, base as Fields, value, lists) as T);
  }
}

/** The type of a filter's configuration. */
export function typeOf({ typedConfig }: { readonly typedConfig?: unknown }): unknown {
  return (typedConfig as Fields | undefined)?.["@type"];
}
