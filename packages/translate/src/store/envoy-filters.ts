/** EnvoyFilters of a namespace, read as patches, in the order in which they are applied. */
import {
  byAge,
  type Diagnostic,
  type EnvoyFilter,
  type MeshObject,
  objectKey,
  originOf,
} from "@heddle/model";
import type { Claims } from "../engine/claims.ts";
import { type CompiledFilter, compileEnvoyFilter } from "../patch/compile.ts";
import type { EnvoyApi } from "../patch/envoy-api.ts";
import type { ModelIndex } from "./index-of.ts";
import { Multimap } from "./multimap.ts";
import { Tracked } from "./tracked.ts";

type Rule = MeshObject<EnvoyFilter>;

/** A rule with its patches; the rule is kept for whom it selects. */
export interface FiledFilter extends CompiledFilter {
  readonly rule: Rule;
}

export class EnvoyFilters implements ModelIndex {
  readonly kinds = ["networking.istio.io/EnvoyFilter"];
  readonly #api: EnvoyApi | undefined;
  readonly #filed = new Map<Rule, FiledFilter>();
  readonly #byNamespace = new Multimap<FiledFilter>(inOrder);
  readonly #inNamespace: Tracked<readonly FiledFilter[]>;
  readonly #problems = new Map<Rule, readonly Diagnostic[]>();

  /** Without `api` every rule is reported as one that cannot be read. */
  constructor(claims: Claims, api: EnvoyApi | undefined) {
    this.#api = api;
    this.#inNamespace = new Tracked(claims, "model/envoy-filters", (namespace) =>
      this.#byNamespace.get(namespace),
    );
  }

  /** By priority, then the oldest first. */
  inNamespace(namespace: string): readonly FiledFilter[] {
    return this.#inNamespace.read(namespace);
  }

  problems(): readonly Diagnostic[] {
    return [...this.#problems.values()].flat();
  }

  change(before: Rule | undefined, after: Rule | undefined): void {
    const filed = before && this.#filed.get(before);
    if (before && filed) {
      this.#filed.delete(before);
      this.#byNamespace.remove(before.metadata.namespace, filed);
      this.#inNamespace.touch(before.metadata.namespace);
    }
    if (before) this.#problems.delete(before);
    if (after) this.#file(after);
  }

  flush(): void {
    this.#inNamespace.flush();
  }

  #file(rule: Rule): void {
    if (this.#api === undefined) {
      this.#problems.set(rule, [unread(rule)]);
      return;
    }
    const { filter, diagnostics } = compileEnvoyFilter(objectKey(rule), rule, this.#api);
    if (diagnostics.length > 0) this.#problems.set(rule, diagnostics);
    const filed = { ...filter, rule };
    this.#filed.set(rule, filed);
    this.#byNamespace.add(rule.metadata.namespace, filed);
    this.#inNamespace.touch(rule.metadata.namespace);
  }
}

function unread(rule: Rule): Diagnostic {
  return {
    code: "HDL4003",
    level: "Error",
    message: "Envoy's API is not at hand here, so that no patch can be read",
    origin: originOf(rule),
    remedy: "Report this: it is a defect.",
  };
}

function inOrder(a: FiledFilter, b: FiledFilter): number {
  return (a.rule.spec.priority ?? 0) - (b.rule.spec.priority ?? 0) || byAge(a.rule, b.rule);
}
