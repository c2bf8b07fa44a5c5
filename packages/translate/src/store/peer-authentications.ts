/** Whether a workload's ports take plaintext, mutual TLS or both, as PeerAuthentication has it. */
import {
  byAge,
  type MeshObject,
  type MutualTlsMode,
  mutualTlsMode,
  type PeerAuthentication,
} from "@heddle/model";
import type { Claims } from "../engine/claims.ts";
import type { ModelIndex } from "./index-of.ts";
import { Multimap } from "./multimap.ts";
import { Tracked } from "./tracked.ts";

type Rule = MeshObject<PeerAuthentication>;

export class PeerAuthentications implements ModelIndex {
  readonly kinds = ["security.istio.io/PeerAuthentication"];
  readonly #byNamespace = new Multimap<Rule>(byAge);
  readonly #rootNamespace: string;
  readonly #inNamespace: Tracked<readonly Rule[]>;

  constructor(claims: Claims, rootNamespace: string) {
    this.#rootNamespace = rootNamespace;
    this.#inNamespace = new Tracked(claims, (namespace) => this.#byNamespace.get(namespace));
  }

  /** The mode of one port of a workload, the port that it listens on itself. */
  modeOf(namespace: string, labels: Readonly<Record<string, string>>, port: number): MutualTlsMode {
    const rootNamespace = this.#rootNamespace;
    const policies = [
      ...this.#inNamespace.read(rootNamespace),
      ...(namespace === rootNamespace ? [] : this.#inNamespace.read(namespace)),
    ];
    return mutualTlsMode(policies, { namespace, labels, rootNamespace, port });
  }

  change(before: Rule | undefined, after: Rule | undefined): void {
    for (const [rule, verb] of [
      [before, "remove"],
      [after, "add"],
    ] as const) {
      if (rule === undefined) continue;
      this.#byNamespace[verb](rule.metadata.namespace, rule);
      this.#inNamespace.touch(rule.metadata.namespace);
    }
  }

  flush(): void {
    this.#inNamespace.flush();
  }
}
