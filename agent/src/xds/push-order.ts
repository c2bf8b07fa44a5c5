/** Make before break on one stream: what waits for what, and when nothing refers any more to what is gone. */
import type { EncodedResource } from "./encoded-resource.ts";
import { overdue } from "./patience.ts";
import type { ResourceType } from "./ports.ts";
import type { Subscription } from "./subscription.ts";

/** What a pushed cluster was and is now; undefined where there was or is none. */
type ClusterChanges = ReadonlyMap<
  string,
  { before: unknown; after: { resource: EncodedResource | undefined } | undefined }
>;

/** What leads to clusters. */
const LEADING = ["listener", "route"] as const;
const ASKS_FOR_HOSTS = [...LEADING, "virtualHost"] as const;

export class PushOrder {
  readonly #subscriptions: ReadonlyMap<ResourceType, Subscription>;
  /** Calls back when patience that began at a time (`performance.now()`) has ended. */
  readonly #wait: (since: number) => void;
  /** EDS names of new clusters whose endpoints the client has not been sent. */
  readonly #awaited = new Set<string>();
  /** SDS names of new clusters that the client has yet to ask for: until it has them it does not connect. */
  readonly #awaitedSecrets = new Set<string>();
  #asksForSecrets = true;
  readonly #opened = performance.now();
  #heldSince = 0;
  #hostsHeldSince = 0;

  /** `subscriptions` is live. */
  constructor(
    subscriptions: ReadonlyMap<ResourceType, Subscription>,
    wait: (since: number) => void,
  ) {
    this.#subscriptions = subscriptions;
    this.#wait = wait;
  }

  /** A changed cluster is made anew and needs its endpoints again, equal or not; those of a new one are asked for by Envoy. */
  clustersPushed(changes: ClusterChanges, isEnvoy: boolean): void {
    const endpoints = this.#subscriptions.get("endpoint");
    for (const { before, after } of changes.values()) {
      const name = after?.resource?.endpointName;
      if (name === undefined) continue;
      endpoints?.resend(name);
      if (before !== undefined || !(endpoints || isEnvoy)) continue;
      this.#awaited.add(name);
      if (isEnvoy) this.#awaitSecrets(after?.resource?.secretNames ?? []);
    }
  }

  /** Listeners and routes wait until new clusters are there with their endpoints, unless the client has nothing that could break. */
  holdsListenersAndRoutes(): boolean {
    const endpoints = this.#subscriptions.get("endpoint");
    for (const name of this.#awaited) if (endpoints?.served(name)) this.#awaited.delete(name);
    if (!this.#clustersBusy() || this.#nothingToBreak()) {
      this.#heldSince = 0;
      return false;
    }
    this.#heldSince ||= performance.now();
    if (!overdue(this.#heldSince)) {
      this.#wait(this.#heldSince);
      return true;
    }
    this.#awaited.clear();
    return false;
  }

  #awaitSecrets(names: readonly string[]): void {
    if (!this.#asksForSecrets) return;
    const secrets = this.#subscriptions.get("secret");
    for (const name of names) if (!secrets?.served(name)) this.#awaitedSecrets.add(name);
  }

  /** A virtual host waits until the clusters that it leads to are there with their endpoints: a request waits for it, and goes there. */
  holdsVirtualHosts(): boolean {
    const secrets = this.#subscriptions.get("secret");
    for (const name of this.#awaitedSecrets)
      if (secrets?.served(name)) this.#awaitedSecrets.delete(name);
    if (!this.#clustersBusy() && this.#awaitedSecrets.size === 0) {
      this.#hostsHeldSince = 0;
      return false;
    }
    this.#hostsHeldSince ||= performance.now();
    if (overdue(this.#hostsHeldSince)) {
      // A client that asks for none by then is none that needs them.
      if (secrets === undefined) this.#asksForSecrets = false;
      this.#awaitedSecrets.clear();
      return false;
    }
    this.#wait(this.#hostsHeldSince);
    return true;
  }

  /** Nothing that the client holds refers to what is gone: it has accepted all listeners and routes. One that came back has yet to ask for them. */
  mayTakeAway(asksForHosts: boolean): boolean {
    const clusters = this.#subscriptions.get("cluster");
    const asks = asksForHosts ? ASKS_FOR_HOSTS : LEADING;
    if (
      clusters?.resumed &&
      clusters.departing &&
      !asks.every((type) => this.#subscriptions.has(type)) &&
      !overdue(this.#opened)
    ) {
      this.#wait(this.#opened);
      return false;
    }
    return ASKS_FOR_HOSTS.every((type) => this.settled(type));
  }

  settled(type: ResourceType): boolean {
    return this.#subscriptions.get(type)?.inStep ?? true;
  }

  /** Envoy asks for one type after the other: before it has asked for all that it needs, nobody knows what it holds of the rest. */
  askedForAll(needed: (type: ResourceType) => boolean): boolean {
    const asked = (type: ResourceType) => this.#subscriptions.has(type);
    const all =
      asked("cluster") &&
      asked("listener") &&
      (asked("endpoint") || !needed("endpoint")) &&
      (asked("route") || !needed("route"));
    if (all || overdue(this.#opened)) return true;
    this.#wait(this.#opened);
    return false;
  }

  #clustersBusy(): boolean {
    const clusters = this.#subscriptions.get("cluster");
    if (clusters === undefined) return false;
    const { outstanding } = clusters;
    return (
      (outstanding !== undefined && (outstanding.added || clusters.waiting)) ||
      this.#subscriptions.get("endpoint")?.lacking === true ||
      this.#awaited.size > 0
    );
  }

  #nothingToBreak(): boolean {
    return (["listener", "route"] as const).every((type) => {
      const subscription = this.#subscriptions.get(type);
      return !subscription || (!subscription.resumed && subscription.status().version === "");
    });
  }
}
