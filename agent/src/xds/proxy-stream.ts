/** One ADS stream: reads a client's requests and pushes what it lacks, in an order in which nothing refers to what is not there yet. */
import { ValueError } from "@heddle/envoy";
import type { ProxyDescription } from "@heddle/translate";
import { type Caller, provenProxy } from "../callers/index.ts";
import { readRequest } from "./discovery.ts";
import type { Dialect, DiscoveryRequest, ResponseWriter } from "./discovery.ts";
import type { EncodedResource, ResourceEncoder } from "./encoded-resource.ts";
import type {
  ChangedNames,
  ProxyView,
  ResourceType,
  SecretSource,
  ViewSource,
  WorkingSets,
  XdsLog,
} from "./ports.ts";
import { reachedBy } from "./overlap/reached-by.ts";
import { InboundOverlap } from "./overlap/inbound-overlap.ts";
import type { End, Overlap } from "./overlap/overlap.ts";
import { overdue, PATIENCE_MS } from "./patience.ts";
import { Demand } from "./on-demand/demand.ts";
import { PushOrder } from "./push-order.ts";
import { MAX_NAMES, Subscription } from "./subscription.ts";
import type { Standing, TypeStatus } from "./subscription.ts";

/** A client asks for each type and then waits; one that goes on asking is ended. */
const MAX_EARLY = 1_000;

/**
 * Connections to a filter chain that is no more are drained, ten minutes by Envoy's default, and requests on them still pass its
 * filters: without their configuration these would be answered with 500. An Envoy that needs it no longer says so before.
 */
const UNTIL_DRAINED = (): number => 15 * 60_000;

const AT_ONCE = (): number => 0;
const NO_TIMES: ReadonlyMap<string, number> = new Map();

/** A cluster stays no longer than this after the last route to it has gone, whatever its routes say, milliseconds. */
const MAX_LINGER_MS = 300_000;
/** From when a route is replaced until the last request that it led somewhere has been through the filters before a delay. */
const MARGIN_MS = 1_000;

/** Secrets that every workload may ask for; others only when its own resources refer to them. */
const OWN_SECRETS = ["default", "ROOTCA"];

/** How one stream stands. */
export interface ProxyStatus {
  /** Tells streams of the same proxy apart. */
  readonly stream: number;
  /** The node's id as sent. */
  readonly id: string;
  /** `pod.namespace`, or the id of a client that has no pod. */
  readonly name: string;
  readonly type: ProxyDescription["type"];
  readonly dialect: Dialect;
  /** Milliseconds since 1970. */
  readonly connectedAt: number;
  /** The newest revision of which the client holds all that it needs; 0 for none. */
  readonly acknowledgedRevision: number;
  /** The client holds all that it should now, and has said so. */
  readonly inStep: boolean;
  /** The types that it asked for. */
  readonly types: Readonly<Partial<Record<ResourceType, TypeStatus>>>;
  /** Its own secrets that it asked for. */
  readonly ownSecrets: readonly HeldSecret[];
}

/** How one secret stands at a client. */
export interface HeldSecret {
  readonly name: string;
  /** The value that it has accepted; undefined: none yet. It holds a private key, which no page that shows a status may have. */
  readonly value: () => object | undefined;
  /** Another one is on its way, or is to be. */
  readonly pending: boolean;
}

export interface StreamContext {
  readonly views: ViewSource;
  readonly secrets: SecretSource;
  readonly workingSets: WorkingSets;
  readonly encoder: ResourceEncoder;
  /** See `createNames`. */
  readonly names: (name: string) => string;
  readonly responses: ResponseWriter;
  readonly log: XdsLog;
  /** The newest revision, as it is written into versions, and the newest one with which all views are up to date. */
  revision(): { readonly announced: number; readonly settled: number };
  /** How long clusters that nothing refers to stay at least, milliseconds. */
  readonly linger: number;
  readonly overlap: Overlap;
  /** As much is on its way to clients as may be: what can wait for its turn does. */
  crowded(): boolean;
  /** The stream has something to push, when its turn comes. */
  wake(stream: ProxyStream): void;
  /** Its status has changed. */
  changed(stream: ProxyStream): void;
}

export class StreamRefused extends Error {
  override readonly name = "StreamRefused";
  readonly code: "HDL3101" | "HDL3102" | "HDL3103";
  readonly reason: "INVALID_ARGUMENT" | "RESOURCE_EXHAUSTED";

  constructor(code: StreamRefused["code"], reason: StreamRefused["reason"], message: string) {
    super(`${code} ${message}`);
    this.code = code;
    this.reason = reason;
  }
}

export class ProxyStream implements End {
  readonly number: number;
  readonly connectedAt = Date.now();
  readonly #dialect: Dialect;
  readonly #context: StreamContext;
  readonly #write: (bytes: Buffer) => void;
  readonly #caller: Caller | undefined;
  #proxy: ProxyDescription | undefined;
  #isEnvoy = false;
  #view: ProxyView | undefined;
  #unsubscribe: () => void = () => {};
  readonly #subscriptions = new Map<ResourceType, Subscription>();
  /** The view has been worked out for the first time: before that, reading it would compute all of it at once. */
  #ready = false;
  /** Requests that have not been looked at; before that, those that wait for it. */
  readonly #requests: DiscoveryRequest[] = [];
  /** What the view has changed and has not been looked at since. */
  #changes: ChangedNames[] = [];
  readonly #order = new PushOrder(this.#subscriptions, (since) => this.#wait(since));
  readonly #inbound = new InboundOverlap();
  /** Listeners but the inbound ones, and routes, wait for clusters; others may wait for the inbound ones. */
  #outboundHeld = false;
  #demand: Demand | undefined;
  readonly #unknownTypes = new Set<string>();
  /** By cluster, the longest that any route which the client has had may keep requests on their way there, milliseconds. */
  readonly #routedFor = new Map<string, number>();
  #timer: { readonly at: number; readonly handle: NodeJS.Timeout } | undefined;
  #acknowledgedRevision = 0;
  #closed = false;

  constructor(
    number: number,
    dialect: Dialect,
    context: StreamContext,
    write: (bytes: Buffer) => void,
    caller?: Caller,
  ) {
    this.number = number;
    this.#dialect = dialect;
    this.#context = context;
    this.#write = write;
    this.#caller = caller;
  }

  /** Nothing before the first request. */
  get proxy(): ProxyDescription | undefined {
    return this.#proxy;
  }

  /** Takes one request; throws `StreamRefused` or `CallerRefused` if the stream cannot go on. */
  receive(bytes: Uint8Array): void {
    const request = this.#read(bytes);
    if (!this.#view) this.#open(request);
    this.#requests.push(request);
    if (this.#ready && this.#context.crowded()) this.wake();
    else if (this.#ready) this.pump();
    else if (this.#requests.length > MAX_EARLY) {
      throw new StreamRefused(
        "HDL3103",
        "RESOURCE_EXHAUSTED",
        `more than ${MAX_EARLY} requests before the first response`,
      );
    }
  }

  /** Sends what can be sent now. */
  pump(): void {
    if (this.#closed || !this.#ready) return;
    for (const request of this.#requests.splice(0)) this.#take(request);
    this.#refresh();
    this.#push("cluster", false);
    this.#push("endpoint", false);
    this.#push("secret", false);
    this.#push("extension", false);
    this.#outboundHeld = this.#order.holdsListenersAndRoutes();
    if (!this.#outboundHeld || this.#inbound.names.size > 0)
      this.#push("listener", !this.#outboundHeld && !this.#inbound.pending);
    if (!this.#outboundHeld) this.#push("route", this.#order.settled("listener"));
    if (!this.#order.holdsVirtualHosts()) this.#push("virtualHost", true);
    if (!this.#inbound.pending && this.#order.mayTakeAway(this.#asking)) {
      this.#push("cluster", true, (name) => this.#lingerOf(name));
      this.#push("endpoint", true, (name) => this.#lingerOf(name));
      this.#push("extension", true, UNTIL_DRAINED);
    }
    this.#noteRevision();
    for (const type of ["cluster", "endpoint", "extension"] as const) {
      const subscription = this.#subscriptions.get(type);
      const at = subscription?.nextDeparture;
      if (at !== undefined) this.#comeBack(at);
      // Its time has come since it was looked at above.
      const due = subscription?.leaving === true && subscription.outstanding === undefined;
      if (due && !this.#inbound.pending && this.#order.mayTakeAway(this.#asking))
        this.#comeBack(performance.now());
    }
    this.#context.overlap.progress(this);
  }

  get #asking(): boolean {
    return this.#demand?.asking ?? false;
  }

  get addresses(): readonly string[] {
    return this.#proxy?.addresses ?? [];
  }

  get listening(): boolean {
    const secrets = this.#subscriptions.get("secret");
    const listeners = this.#subscriptions.get("listener");
    return (
      this.#upToDate &&
      [...this.#inbound.names].every((name) => listeners?.standing(name) !== "waiting") &&
      this.#inbound.secrets.every((name) => secrets?.has(name)) &&
      (secrets?.answered ?? true)
    );
  }

  get switched(): boolean {
    return this.#upToDate && [...this.#subscriptions.values()].every(({ answered }) => answered);
  }

  get silence(): number {
    return this.#inbound.silence;
  }

  get learning(): boolean {
    if (!this.#ready || this.#requests.length > 0) return true;
    return (["cluster", "endpoint"] as const).some(
      (type) =>
        this.#changes.some((changed) => (changed.get(type)?.size ?? 0) > 0) ||
        !(this.#subscriptions.get(type)?.answered ?? true),
    );
  }

  release(): void {
    this.#subscriptions.get("listener")?.touch(this.#inbound.release());
    this.wake();
  }

  wake(): void {
    this.#context.wake(this);
  }

  /** A secret has changed. */
  secretChanged(name: string): void {
    this.#subscriptions.get("secret")?.touch([name]);
    this.#context.wake(this);
  }

  /** The model has moved to another revision, and the view with it. */
  revisionChanged(): void {
    this.#noteRevision();
  }

  status(): ProxyStatus {
    const proxy = this.#proxy!;
    return {
      stream: this.number,
      id: proxy.id,
      name: proxy.pod ? `${proxy.pod}.${proxy.namespace}` : proxy.id,
      type: proxy.type,
      dialect: this.#dialect,
      connectedAt: this.connectedAt,
      acknowledgedRevision: this.#acknowledgedRevision,
      inStep: this.#inStep,
      types: Object.fromEntries(
        [...this.#subscriptions].map(([type, subscription]) => [type, subscription.status()]),
      ),
      ownSecrets: this.#ownSecrets(),
    };
  }

  #ownSecrets(): HeldSecret[] {
    const secrets = this.#subscriptions.get("secret");
    return OWN_SECRETS.filter((name) => secrets?.wants(name)).map((name) => {
      const value = secrets?.accepted(name)?.secret;
      return { name, value: () => value, pending: secrets?.standing(name) === "waiting" };
    });
  }

  standing(type: ResourceType, name: string): Standing {
    if (this.#changes.length > 0) return "waiting";
    return this.#subscriptions.get(type)?.standing(name) ?? "unwanted";
  }

  /** Gives back the view. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer?.handle);
    this.#unsubscribe();
    this.#view?.dispose();
  }

  #read(bytes: Uint8Array): DiscoveryRequest {
    try {
      return readRequest(this.#dialect, bytes);
    } catch (error) {
      if (!(error instanceof ValueError)) throw error;
      throw new StreamRefused(
        "HDL3101",
        "INVALID_ARGUMENT",
        `the request cannot be read: ${error.message}`,
      );
    }
  }

  #open(request: DiscoveryRequest): void {
    if (!request.node) {
      throw new StreamRefused(
        "HDL3102",
        "INVALID_ARGUMENT",
        "the first request of a stream must carry its node",
      );
    }
    const proxy = provenProxy(request.node, this.#caller);
    // Virtual hosts can be asked for in differences alone.
    this.#proxy = this.#dialect === "delta" ? proxy : { ...proxy, onDemand: false };
    this.#isEnvoy = request.node.userAgentName === "envoy";
    this.#view = this.#context.views.view(this.#proxy);
    this.#demand = new Demand(
      this.#proxy,
      this.#view,
      this.#subscriptions,
      this.#context.workingSets,
    );
    this.#unsubscribe = this.#view.subscribe((_, names) => {
      this.#ready = true;
      this.#changes.push(names);
      this.#hear(names);
      this.#context.wake(this);
    });
    void this.#awaitView();
    this.#context.log.info("xds: connected", { proxy: this.#proxy.id, dialect: this.#dialect });
    this.#context.changed(this);
  }

  /** What the listeners will take is known to others before anything is sent to anyone. */
  #hear(names: ChangedNames): void {
    const listeners = names.get("listener");
    const held = this.#subscriptions.get("listener")?.status().version ?? "";
    if (listeners === undefined || held === "") return;
    const { opens, closes } = this.#inbound.heard(listeners, (name) =>
      this.#view!.named("listener", name),
    );
    if (opens) this.#context.overlap.opens(this);
    if (closes) this.#context.overlap.closes(this);
  }

  #take(request: DiscoveryRequest): void {
    const { type } = request;
    if (!type) {
      if (!this.#unknownTypes.has(request.typeUrl) && this.#unknownTypes.size < 20) {
        this.#unknownTypes.add(request.typeUrl);
        this.#context.log.info("xds: a type that is not served", {
          proxy: this.#proxy!.id,
          type: request.typeUrl,
        });
      }
      return;
    }
    const known = this.#subscriptions.get(type);
    if (request.responseNonce !== "" && known) {
      const answered = this.#answer(known, request);
      if (!answered && this.#dialect === "sotw" && request.responseNonce !== known.status().nonce)
        return;
    }
    this.#subscribe(type, known, request);
  }

  /** A view that has nothing to tell is ready when the views have settled. */
  async #awaitView(): Promise<void> {
    await this.#context.views.settled?.();
    this.#ready = true;
    this.#context.wake(this);
  }

  /** Whether the request answers the outstanding push. */
  #answer(subscription: Subscription, request: DiscoveryRequest): boolean {
    if (subscription.outstanding?.nonce !== request.responseNonce) return false;
    if (request.error === undefined) {
      subscription.accept(request.responseNonce);
    } else {
      const { type } = subscription;
      const culprits = subscription.refuse(request.responseNonce, request.error);
      this.#context.log.warn("xds: refused by the proxy", {
        proxy: this.#proxy!.id,
        type,
        culprits,
        error: request.error,
      });
    }
    this.#context.changed(this);
    return true;
  }

  #subscribe(type: ResourceType, known: Subscription | undefined, request: DiscoveryRequest): void {
    const subscription = known ?? this.#begin(type, request);
    const names = request.subscribe.map((name) => this.#context.names(name));
    if (this.#dialect === "sotw") {
      subscription.replaceNames(names);
    } else {
      subscription.addNames(names, request.initialVersions);
      subscription.dropNames(request.unsubscribe);
    }
    if (type === "virtualHost") this.#demand!.ask(names);
    if (type === "route") this.#demand!.tables(names, request.unsubscribe);
    if (subscription.size > MAX_NAMES) {
      throw new StreamRefused(
        "HDL3103",
        "RESOURCE_EXHAUSTED",
        `more than ${MAX_NAMES} names of type ${type}`,
      );
    }
  }

  #begin(type: ResourceType, request: DiscoveryRequest): Subscription {
    if (type === "virtualHost") this.#demand!.begin(request.initialVersions.keys());
    const subscription = new Subscription(type, this.#dialect, request, this.#demand!.all(type));
    this.#subscriptions.set(type, subscription);
    this.#context.changed(this);
    return subscription;
  }

  /** Brings the subscriptions in line with the view. */
  #refresh(): void {
    this.#demand!.follow(this.#view!.onDemand);
    for (const changed of this.#changes) {
      for (const [type, names] of changed) {
        if (type === "secret") this.#subscriptions.get(type)?.touchNames();
        else this.#subscriptions.get(type)?.touch(names);
        this.#demand!.changed(type, names);
      }
    }
    this.#changes = [];
  }

  /** Milliseconds from when nothing leads to a cluster until nobody can be on the way to it any more. */
  #lingerOf(cluster: string): number {
    const routed = this.#routedFor.get(cluster) ?? 0;
    const wanted = routed > 0 ? routed + MARGIN_MS : 0;
    return Math.max(this.#context.linger, Math.min(wanted, MAX_LINGER_MS));
  }

  #push(type: ResourceType, removals: boolean, linger: (name: string) => number = AT_ONCE): void {
    const subscription = this.#subscriptions.get(type);
    if (!subscription || !(subscription.waiting || (removals && subscription.leaving))) return;
    if (subscription.outstanding && !overdue(subscription.outstanding.at))
      return this.#wait(subscription.outstanding.at);
    const push = subscription.next({
      lookup: (name) => this.#lookup(type, name),
      waits: (name) => this.#waits(subscription, name),
      removals,
      linger,
      revision: this.#context.revision().announced,
    });
    if (!push) {
      // Whoever has heard that a secret is on its way hears that none is.
      if (type === "secret") this.#context.changed(this);
      return;
    }
    if (type === "cluster") this.#order.clustersPushed(push.changes, this.#isEnvoy);
    const { version, nonce, resources, removed } = push;
    if (type === "route")
      for (const [name, { before }] of push.changes)
        this.#demand!.tableSent(name, before === undefined);
    if (type === "cluster") for (const name of removed) this.#routedFor.delete(name);
    this.#write(
      this.#context.responses.write(this.#dialect, { type, version, nonce, resources, removed }),
    );
    this.#context.changed(this);
  }

  /** A new cluster is no use before its endpoints, so only these wait. */
  #waits(subscription: Subscription, name: string): boolean {
    const { type } = subscription;
    if (type === "listener") return this.#outboundHeld && !this.#inbound.names.has(name);
    if (type !== "endpoint" && (type !== "cluster" || !subscription.has(name))) return false;
    return this.#context.overlap.holds(() =>
      reachedBy(type === "cluster" ? this.#view!.named("cluster", name) : undefined, (endpoints) =>
        this.#view!.named("endpoint", endpoints ?? name),
      ),
    );
  }

  #newest(type: ResourceType, name: string): unknown {
    const value = this.#view!.named(type, name);
    return type === "listener" ? this.#inbound.giving(name, value) : value;
  }

  #lookup(type: ResourceType, name: string): EncodedResource | ValueError | undefined {
    const value = type === "secret" ? this.#secret(name) : this.#newest(type, name);
    if (typeof value !== "object" || value === null) return undefined;
    try {
      const encoded = this.#context.encoder.encoded(type, name, value);
      for (const [cluster, time] of encoded.routedFor ?? NO_TIMES)
        this.#routedFor.set(cluster, Math.max(time, this.#routedFor.get(cluster) ?? 0));
      return encoded;
    } catch (error) {
      if (!(error instanceof ValueError)) throw error;
      this.#context.log.warn("xds: a resource that is not valid is left out", {
        type,
        name,
        error: error.message,
      });
      return error;
    }
  }

  #secret(name: string): object | undefined {
    if (!OWN_SECRETS.includes(name) && !this.#view!.secrets().includes(name)) return undefined;
    return this.#context.secrets.secret(this.#proxy!, name, this.#view!.mayHave(name));
  }

  /** Comes back when patience that began at `since` has ended. */
  #wait(since: number): void {
    this.#comeBack(since + PATIENCE_MS);
  }

  /** Pumps again at a time (`performance.now()`), or before. */
  #comeBack(at: number): void {
    if (this.#closed || (this.#timer && this.#timer.at <= at)) return;
    if (this.#timer) clearTimeout(this.#timer.handle);
    const handle = setTimeout(
      () => {
        this.#timer = undefined;
        this.#context.wake(this);
      },
      Math.max(0, at - performance.now()) + 1,
    );
    handle.unref();
    this.#timer = { at, handle };
  }

  /** Nothing has come that it has not looked at. */
  get #upToDate(): boolean {
    return this.#ready && this.#requests.length === 0 && this.#changes.length === 0;
  }

  get #inStep(): boolean {
    if (!this.#upToDate || this.#inbound.pending) return false;
    const needed = (type: ResourceType) => this.#demand!.needs(type);
    if (this.#isEnvoy && !this.#order.askedForAll(needed)) return false;
    return [...this.#subscriptions.values()].every((subscription) => subscription.inStep);
  }

  #noteRevision(): void {
    const revision = this.#context.revision().settled;
    if (!this.#view || revision <= this.#acknowledgedRevision) return;
    if (!this.#inStep) return;
    this.#acknowledgedRevision = revision;
    this.#context.changed(this);
  }
}
