/** What one client holds that asks for its virtual hosts: those that it asked for, and the clusters that they lead to. */
import { type ProxyDescription, partsOfName, placeholderOf } from "@heddle/translate";
import type { ProxyView, ResourceType, WorkingSets } from "../ports.ts";
import type { NamedResources, Subscription } from "../subscription.ts";
import { DemandedClusters, leadsOutbound } from "./demanded-clusters.ts";

/** So many virtual hosts a client may have asked for; what it asked for longest ago makes room, and may be asked for again. */
const MAX_HOSTS = 1_000;

/** What leads to clusters besides virtual hosts and clusters. */
const LEADING: readonly ResourceType[] = ["listener", "route", "extension"];

const NO_RESOURCES: NamedResources = new Map();

export class Demand {
  readonly #proxy: ProxyDescription;
  readonly #view: ProxyView;
  readonly #subscriptions: ReadonlyMap<ResourceType, Subscription>;
  readonly #workingSets: WorkingSets;
  /** Nothing while the client is given all clusters that there are. */
  #clusters: DemandedClusters | undefined;
  /** Virtual hosts that the client has asked for, or that it was given because it will; those that it asked for last are last. */
  readonly #hosts = new Set<string>();

  /** `subscriptions` is live. */
  constructor(
    proxy: ProxyDescription,
    view: ProxyView,
    subscriptions: ReadonlyMap<ResourceType, Subscription>,
    workingSets: WorkingSets,
  ) {
    this.#proxy = proxy;
    this.#view = view;
    this.#subscriptions = subscriptions;
    this.#workingSets = workingSets;
  }

  /** The client asks for virtual hosts. */
  get asking(): boolean {
    return this.#clusters !== undefined;
  }

  /** Whether the client needs anything of a type. */
  needs(type: ResourceType): boolean {
    if (type === "endpoint" && this.#clusters) return this.#clusters.any;
    return this.#view.resources(type).size > 0;
  }

  /** Live: what there is of a type for the client without its being asked for by name. */
  all(type: ResourceType): NamedResources {
    if (type === "secret") return NO_RESOURCES;
    if (type === "virtualHost") return this.#hosts;
    const all = this.#view.resources(type);
    if (type !== "cluster") return all;
    const isDemanded = (name: string): boolean => this.#clusters?.has(name) ?? true;
    return {
      has: (name) => all.has(name) && isDemanded(name),
      *keys() {
        for (const name of all.keys()) if (isDemanded(name)) yield name;
      },
    };
  }

  /**
   * The client begins to ask for virtual hosts. `held` are those that it has from an earlier stream, perhaps from another replica,
   * which knew what it calls. Of each of its tables it waits for a first one.
   */
  begin(held: Iterable<string>): void {
    const routes = this.#subscriptions.get("route")?.names() ?? [];
    this.#add([...Array.from(routes, placeholderOf), ...held]);
  }

  /** The client has asked for virtual hosts. */
  ask(names: readonly string[]): void {
    const asked = names.filter((name) => name !== "*");
    this.#add(asked);
    for (const name of asked) {
      const host = this.#view.named("virtualHost", name);
      if (leadsOutbound(host)) this.#workingSets.asked(this.#proxy, name);
    }
    const excess = Math.max(0, this.#hosts.size - MAX_HOSTS);
    this.#takeAway([...this.#hosts].slice(0, excess));
  }

  /** The client has asked for tables, and lets others go. */
  tables(asked: readonly string[], dropped: readonly string[]): void {
    if (!this.#subscriptions.has("virtualHost")) return;
    this.#add(asked.filter((name) => name !== "*").map(placeholderOf));
    const gone = new Set(dropped);
    if (gone.size > 0)
      this.#takeAway([...this.#hosts].filter((name) => gone.has(partsOfName(name)?.route ?? "")));
  }

  /**
   * A table has been sent: Envoy waits for a first virtual host of it. Of one that it did not have it has taken none before, whatever it
   * was sent.
   */
  tableSent(name: string, isNew: boolean): void {
    const hosts = this.#subscriptions.get("virtualHost");
    hosts?.resend(placeholderOf(name));
    if (!isNew) return;
    for (const host of this.#hosts) if (partsOfName(host)?.route === name) hosts?.resend(host);
  }

  #add(names: readonly string[]): void {
    for (const name of names) {
      this.#hosts.delete(name);
      this.#hosts.add(name);
      this.#lead("virtualHost", name);
    }
    this.#subscriptions.get("virtualHost")?.touch(names);
  }

  #takeAway(names: readonly string[]): void {
    for (const name of names) {
      this.#hosts.delete(name);
      this.#view.forget("virtualHost", name);
      this.#subscriptions.get("virtualHost")?.evict(name);
      this.#lead("virtualHost", name);
    }
  }

  /** The client has begun to ask, or is given everything from now on. */
  follow(asks: boolean): void {
    if (asks === this.asking) return;
    this.#clusters = asks
      ? new DemandedClusters((name) => this.#view.named("cluster", name))
      : undefined;
    // Before its first cluster is sent: what the workload is known to call is there when its first request comes.
    if (asks) this.#add(this.#workingSets.of(this.#proxy));
    for (const type of LEADING)
      for (const name of this.#view.resources(type).keys()) this.#lead(type, name);
    for (const name of this.#hosts) this.#lead("virtualHost", name);
    this.#subscriptions.get("cluster")?.touch(this.#view.resources("cluster").keys());
  }

  /** Resources have changed in the view. */
  changed(type: ResourceType, names: ReadonlySet<string>): void {
    if (this.#clusters === undefined) return;
    if (type === "cluster") {
      const clusters = this.#subscriptions.get(type);
      for (const name of names) clusters?.touch(this.#clusters.clusterChanged(name));
    } else if (type === "virtualHost" || LEADING.includes(type)) {
      for (const name of names) this.#lead(type, name);
    }
  }

  /** A resource leads to other clusters than before, perhaps. */
  #lead(type: ResourceType, name: string): void {
    if (this.#clusters === undefined) return;
    const isHeld = type !== "virtualHost" || this.#hosts.has(name);
    const value = isHeld ? this.#view.named(type, name) : undefined;
    this.#subscriptions.get("cluster")?.touch(this.#clusters.set(`${type}/${name}`, value));
  }
}
