/** Services that stand for another service of the mesh: Kubernetes' ExternalName, where the name is one that the mesh serves. */
import { compareText, type ServiceModel, type ServiceName } from "@heddle/model";

type Served = (host: string) => ServiceModel | undefined;

export interface ResolvedAliases {
  /** What each alias stands for in the end. */
  readonly targets: ReadonlyMap<string, string>;
  /** By target, sorted by host. */
  readonly names: ReadonlyMap<string, readonly ServiceName[]>;
}

/** Plain data, worked out anew when an alias, or whether its target is served, has changed. */
export class Aliases {
  readonly #aliases = new Map<string, ServiceModel>();
  readonly #served: Served;
  #resolved: ResolvedAliases | undefined = NO_ALIASES;

  /** `served`: the first service of a host. */
  constructor(served: Served) {
    this.#served = served;
  }

  /** The first service of a host has changed, come or gone. */
  changed(host: string): void {
    const model = this.#served(host);
    if (model?.externalName !== undefined) this.#aliases.set(host, model);
    else if (!this.#aliases.delete(host) && this.#aliases.size === 0) return;
    this.#resolved = undefined;
  }

  resolved(): ResolvedAliases {
    return (this.#resolved ??= this.#resolve());
  }

  /** Hosts that stand for another one, or are stood for by others, than in `before`. */
  moved(before: ResolvedAliases): ReadonlySet<string> {
    const now = this.resolved();
    if (now === before) return new Set();
    const hosts = new Set<string>();
    for (const resolved of [before, now]) {
      for (const [alias, target] of resolved.targets) hosts.add(alias).add(target);
    }
    return hosts;
  }

  #resolve(): ResolvedAliases {
    const targets = new Map<string, string>();
    const names = new Map<string, ServiceName[]>();
    for (const [alias, { host, name, namespace }] of [...this.#aliases].toSorted(([a], [b]) =>
      compareText(a, b),
    )) {
      const target = this.#targetOf(alias);
      if (target === undefined) continue;
      targets.set(alias, target);
      const known = names.get(target) ?? [];
      names.set(target, known);
      known.push({ host, name, namespace });
    }
    return { targets, names };
  }

  /** Names that go round in a circle, or out of the mesh, stand for nothing in it. */
  #targetOf(alias: string): string | undefined {
    const seen = new Set([alias]);
    for (let at = this.#aliases.get(alias); at?.externalName !== undefined;) {
      const next = at.externalName.toLowerCase().replace(/\.$/, "");
      if (seen.has(next)) return undefined;
      seen.add(next);
      at = this.#served(next);
      if (at !== undefined && at.externalName === undefined) return next;
    }
    return undefined;
  }
}

const NO_ALIASES: ResolvedAliases = { targets: new Map(), names: new Map() };
