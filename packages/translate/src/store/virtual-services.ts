/** Which VirtualService decides for a host or stands behind a gateway. */
import {
  byAge,
  chooseVirtualService,
  gatewaysOf,
  hostMatches,
  isWildcard,
  type MeshObject,
  type VirtualService,
  virtualServiceHosts,
} from "@heddle/model";
import type { Claims } from "../engine/claims.ts";
import { type ByNamespace, byNamespace, namespacesNamed } from "./by-namespace.ts";
import { matching } from "./host-patterns.ts";
import type { ModelIndex } from "./index-of.ts";
import { Multimap } from "./multimap.ts";
import { HOST_PARTS, partOf } from "./services.ts";
import { Tracked } from "./tracked.ts";

type Rule = MeshObject<VirtualService>;

/** The gateway that stands for all sidecars; rules that name no gateway mean it. */
const MESH_GATEWAY = "mesh";

export class VirtualServices implements ModelIndex {
  readonly kinds = ["networking.istio.io/VirtualService"];
  readonly #rules = new Multimap<Rule>(byAge);
  readonly #byGateway = new Multimap<Rule>(byAge);
  readonly #labelReaders = new Map<string, number>();
  readonly #clusterDomain: string;
  readonly #forHost: Tracked<ByNamespace<Rule | undefined>>;
  readonly #forGateway: Tracked<readonly Rule[]>;
  readonly #predicateLabels: Tracked<readonly string[]>;
  /** Hosts that rules of the mesh name. */
  readonly #parts: ReadonlySet<string>[] = Array.from({ length: HOST_PARTS }, () => new Set());
  readonly #part: Tracked<readonly string[]>;
  readonly #naming: Tracked<readonly Rule[]>;

  constructor(claims: Claims, clusterDomain: string) {
    this.#clusterDomain = clusterDomain;
    this.#forHost = new Tracked(claims, "model/virtual-service", (host) => {
      const rules = matching(this.#rules, host);
      return byNamespace(rules.flatMap(namespacesSingledOut), (namespace) =>
        chooseVirtualService(rules, host, namespace, clusterDomain),
      );
    });
    this.#forGateway = new Tracked(claims, "model/virtual-services-of-gateway", (gateway) =>
      this.#byGateway.get(gateway),
    );
    this.#predicateLabels = new Tracked(claims, "model/rules-labels", () =>
      [...this.#labelReaders.keys()].toSorted(),
    );
    this.#part = new Tracked(claims, "model/ruled-hosts", (part) =>
      [...(this.#parts[Number(part)] ?? [])].toSorted(),
    );
    this.#naming = new Tracked(claims, "model/rules-naming", (host) => this.#rules.get(host));
  }

  /** The rule of the mesh gateway for a host: the most specific host, then the oldest, of those that a namespace is shown. */
  forHost(host: string): ByNamespace<Rule | undefined> {
    return this.#forHost.read(host);
  }

  /** Rules bound to a gateway `namespace/name`, oldest first. */
  forGateway(gateway: string): readonly Rule[] {
    return this.#forGateway.read(gateway);
  }

  /** Hosts and wildcards that rules of the mesh name, of one of the `HOST_PARTS`, sorted. */
  part(part: number): readonly string[] {
    return this.#part.read(String(part));
  }

  /** Rules of the mesh that name exactly this host or wildcard, oldest first. */
  naming(host: string): readonly Rule[] {
    return this.#naming.read(host);
  }

  /** Keys of the labels of a client that some rule's `sourceLabels` read, sorted. */
  predicateLabels(): readonly string[] {
    return this.#predicateLabels.read("");
  }

  change(before: Rule | undefined, after: Rule | undefined): void {
    if (before !== undefined) this.#each(before, "remove");
    if (after !== undefined) this.#each(after, "add");
  }

  flush(): void {
    this.#forHost.flush();
    this.#forGateway.flush();
    this.#predicateLabels.flush();
    this.#part.flush();
    this.#naming.flush();
  }

  #each(rule: Rule, verb: "add" | "remove"): void {
    const gateways = new Set(gatewaysOf(rule));
    if (gateways.has(MESH_GATEWAY)) {
      for (const host of new Set(virtualServiceHosts(rule, this.#clusterDomain))) {
        this.#rules[verb](host, rule);
        this.#fileHost(host);
        if (isWildcard(host)) this.#forHost.touchWhere((read) => hostMatches(host, read));
        else this.#forHost.touch(host);
      }
    }
    for (const gateway of gateways) {
      if (gateway === MESH_GATEWAY) continue;
      this.#byGateway[verb](gateway, rule);
      this.#forGateway.touch(gateway);
    }
    for (const label of labelsRead(rule)) {
      const readers = (this.#labelReaders.get(label) ?? 0) + (verb === "add" ? 1 : -1);
      if (readers > 0) this.#labelReaders.set(label, readers);
      else this.#labelReaders.delete(label);
      this.#predicateLabels.touch("");
    }
  }

  #fileHost(host: string): void {
    this.#naming.touch(host);
    const part = partOf(host);
    const hosts = this.#parts[part] as Set<string>;
    const present = this.#rules.get(host).length > 0;
    if (present === hosts.has(host)) return;
    if (present) hosts.add(host);
    else hosts.delete(host);
    this.#part.touch(String(part));
  }
}

function namespacesSingledOut(rule: Rule): string[] {
  return namespacesNamed(rule.spec.exportTo, rule.metadata.namespace);
}

/** Labels of the client that a rule's matches ask for, each once. */
function labelsRead(rule: Rule): Set<string> {
  const { http = [], tcp = [], tls = [] } = rule.spec;
  const labels = new Set<string>();
  for (const route of [...http, ...tcp, ...tls]) {
    for (const match of route.match ?? []) {
      for (const label of Object.keys(match.sourceLabels ?? {})) labels.add(label);
    }
  }
  return labels;
}
