/** What one proxy should hold, and when that changes. */
import type { Bootstrap } from "@heddle/envoy/config/bootstrap/v3";
import type { ChangeRecorder } from "../engine/changes/change-recorder.ts";
import type { Drain, Work } from "../engine/drain.ts";
import { Watcher } from "../engine/watcher.ts";
import type { ProxyDescription } from "../proxy.ts";
import type { ClientView, ModelReader } from "../read.ts";
import { originsOf, type TracedLayers } from "../origin/explain.ts";
import { patcherOf } from "../patch/patcher.ts";
import { LayeredMap } from "./layered-map.ts";
import { outboundParts } from "./outbound.ts";
import { askedPart, type AskedType, GRANTED_SECRET, ownParts } from "./own.ts";
import {
  type ChangedNames,
  RESOURCE_TYPES,
  ResourceSet,
  type ResourceType,
} from "./resource-set.ts";

export type ViewListener = (changed: ReadonlySet<ResourceType>, names: ChangedNames) => void;

/** Live: maps and values follow the model; a value keeps its object identity while it is unchanged. */
export interface ProxyView {
  readonly proxy: ProxyDescription;
  /** What the proxy holds of a type. Secrets have names only. */
  resources(type: ResourceType): ReadonlyMap<string, unknown>;
  /** One resource, whether or not it is in the map of its type; once asked for, its changes are told too. */
  named(type: ResourceType, name: string): unknown;
  /** What was asked for by a name is not asked for any more. */
  forget(type: ResourceType, name: string): void;
  /** The proxy asks for the virtual hosts that it uses. */
  readonly onDemand: boolean;
  /** Keys of the user's objects that one resource was made from, sorted; worked out when it is asked for. */
  origins(type: ResourceType, name: string): readonly string[];
  /** Names of the secrets that the proxy's resources refer to, sorted. */
  secrets(): string[];
  /** Whether a secret of another namespace than the proxy's own may be given to it. */
  mayHave(secret: string): boolean;
  /** What the proxy starts with, as EnvoyFilters change it now. */
  bootstrap(bootstrap: Bootstrap): Bootstrap;
  /**
   * Calls back when all that a change means for this proxy has been worked out, with the types and the names of what
   * changed; once also when everything is there for the first time. Returns how to stop.
   */
  subscribe(listener: ViewListener): () => void;
  dispose(): void;
}

export interface ProxyViewOptions {
  readonly proxy: ProxyDescription;
  readonly recorder: ChangeRecorder;
  readonly drain: Drain;
  readonly onError: (error: unknown) => void;
  /** What outbound resources depend on now; tracked. */
  readonly clientView: () => ClientView;
  readonly readerOf: (view: ClientView) => ModelReader;
  /** Changes when all that was read before is to be read anew; tracked. */
  readonly generation: () => number;
  readonly acquire: (view: ClientView) => AcquiredSet;
  readonly onDispose: () => void;
}

/** Outbound resources are shared: each set is given back by whoever acquired it. */
export interface AcquiredSet {
  readonly set: ResourceSet;
  readonly release: () => void;
}

/** Names that a client may ask for beyond its own; a client that asks on demand has one for each host that it calls. */
const MAX_ASKED = 2000;

export class LiveView implements ProxyView, Work {
  readonly proxy: ProxyDescription;
  readonly #options: ProxyViewOptions;
  readonly #listeners = new Set<ViewListener>();
  readonly #maps: Readonly<Record<ResourceType, ReadonlyMap<string, unknown>>>;
  readonly #viewWatcher: Watcher;
  #client: ClientView | undefined;
  #layers: Layers | undefined;
  /** What listeners have not been told yet; shared with other views, never changed. */
  #untold: ChangedNames[] = [];
  #disposed = false;

  constructor(options: ProxyViewOptions) {
    this.#options = options;
    this.proxy = options.proxy;
    const layered = (type: ResourceType) =>
      new LayeredMap<unknown>(
        () => this.#current().own.get(type),
        () => this.#current().shared.get(type),
      );
    this.#maps = {
      cluster: layered("cluster"),
      endpoint: layered("endpoint"),
      extension: layered("extension"),
      listener: layered("listener"),
      route: layered("route"),
      secret: layered("secret"),
      virtualHost: layered("virtualHost"),
    };
    this.#viewWatcher = new Watcher(
      () => this.#follow(this.#described(), options.generation()),
      () => options.drain.add(this),
    );
    options.drain.add(this);
  }

  resources(type: ResourceType): ReadonlyMap<string, unknown> {
    this.#refresh();
    return this.#maps[type];
  }

  named(type: ResourceType, name: string): unknown {
    const layers = this.#refresh();
    const known = this.#maps[type].get(name);
    return known !== undefined || !isAskedType(type) ? known : this.#ask(layers, type, name);
  }

  forget(type: ResourceType, name: string): void {
    const key = `${type}/${name}`;
    const { names } = this.#current();
    names.get(key)?.remove();
    names.delete(key);
  }

  get onDemand(): boolean {
    this.#refresh();
    return this.#client?.onDemand ?? false;
  }

  origins(type: ResourceType, name: string): readonly string[] {
    return originsOf(this.layers(), type, name);
  }

  /** What the view is made of, each layer with what makes its parts. */
  layers(): TracedLayers {
    const { own, asked, shared, names } = this.#refresh();
    const { proxy } = this;
    const client = this.#client as ClientView;
    return {
      read: this.#options.readerOf(client),
      layers: [
        { set: own, partOf: (read, index) => ownParts(read, proxy, client)[index] },
        {
          set: asked,
          partOf: (read, index) => {
            const name = [...names.values()][index];
            return name && askedPart(read, proxy, client, name.type, name.name);
          },
        },
        { set: shared, partOf: (read, index) => outboundParts(read, client)[index] },
      ],
    };
  }

  secrets(): string[] {
    return [...this.resources("secret").keys()].toSorted();
  }

  mayHave(secret: string): boolean {
    return this.resources("secret").get(secret) === GRANTED_SECRET;
  }

  bootstrap(bootstrap: Bootstrap): Bootstrap {
    this.#refresh();
    const read = this.#options.readerOf(this.#client as ClientView);
    return patcherOf(read, this.proxy)?.bootstrap(bootstrap) ?? bootstrap;
  }

  subscribe(listener: ViewListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** In the drain's time: the client's view first, then the sets follow by themselves. */
  step(): boolean {
    if (this.#viewWatcher.dirty) this.#viewWatcher.run();
    this.#notify();
    return false;
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#options.drain.remove(this);
    this.#viewWatcher.dispose();
    this.#listeners.clear();
    this.#leave();
    this.#options.onDispose();
    this.#options.drain.wake();
  }

  #current(): Layers {
    if (this.#layers === undefined) throw new Error(`the view of ${this.proxy.id} was disposed`);
    return this.#layers;
  }

  #refresh(): Layers {
    if (this.#viewWatcher.dirty && !this.#disposed) this.#viewWatcher.run();
    const layers = this.#current();
    layers.shared.refresh();
    layers.own.refresh();
    layers.asked.refresh();
    return layers;
  }

  #described(): ClientView {
    const { clientView, recorder } = this.#options;
    const before = this.#client;
    const running = recorder.begin("part", "view/client", this.proxy.id, before === undefined);
    const client = clientView();
    const same = before?.key === client.key && before.cohort === client.cohort;
    recorder.end(running, before === undefined ? "new" : same ? "equal" : "changed", this);
    return client;
  }

  /** Another client view means other resources, all of them; those that are equal keep their identity. */
  #follow(client: ClientView, generation: number): void {
    const before = this.#client;
    const old = this.#layers;
    const same = before?.key === client.key && before.cohort === client.cohort;
    if (same && old?.generation === generation) return;
    const { acquire, drain, recorder, onError, readerOf } = this.#options;
    const read = readerOf(client);
    const { set: shared, release } = acquire(client);
    const each = { of: this.proxy.id, recorder, drain, onError };
    const own = new ResourceSet({
      ...each,
      name: "view/own",
      parts: ownParts(read, this.proxy, client),
    });
    const asked = new ResourceSet({ ...each, name: "view/asked", parts: [] });
    const names = old?.names ?? new Map<string, AskedName>();
    for (const each of names.values()) {
      each.remove = asked.addPart(askedPart(read, this.proxy, client, each.type, each.name));
    }
    const stop = [shared, own, asked].map((set) => set.subscribe((changed) => this.#hear(changed)));
    this.#client = client;
    this.#layers = { generation, shared, release, own, asked, names, stop };
    if (old === undefined || before === undefined) {
      if (shared.built) this.#noteAll(shared);
      return;
    }
    for (const set of [old.shared, old.own, old.asked, shared]) this.#noteAll(set);
    closeLayers(old);
  }

  #leave(): void {
    if (this.#layers === undefined || this.#client === undefined) return;
    closeLayers(this.#layers);
    this.#layers = undefined;
  }

  #ask(layers: Layers, type: AskedName["type"], name: string): unknown {
    const key = `${type}/${name}`;
    if (!layers.names.has(key)) {
      if (layers.names.size >= MAX_ASKED) return undefined;
      const client = this.#client as ClientView;
      const read = this.#options.readerOf(client);
      const remove = layers.asked.addPart(askedPart(read, this.proxy, client, type, name));
      layers.names.set(key, { type, name, remove });
      layers.asked.refresh();
    }
    return layers.asked.get(type).get(name);
  }

  #hear(changed: ChangedNames): void {
    if (changed.size > 0) this.#untold.push(changed);
    this.#notify();
  }

  /** Everything in a set and, as it may be left in the middle of a change, what has just gone from it. */
  #noteAll(set: ResourceSet): void {
    const names = RESOURCE_TYPES.map(
      (type) =>
        [type, new Set([...set.get(type).keys(), ...(set.untold.get(type) ?? [])])] as const,
    );
    this.#untold.push(new Map(names));
    this.#options.drain.add(this);
  }

  /** Only when every layer is in step: a proxy never hears of half a change. */
  #notify(): void {
    const layers = this.#layers;
    if (layers === undefined || this.#untold.length === 0 || this.#viewWatcher.dirty) return;
    if (![layers.shared, layers.own, layers.asked].every((set) => set.clean)) return;
    const changed = merge(this.#untold);
    this.#untold = [];
    const types = new Set(changed.keys());
    this.#options.recorder.told(this);
    for (const listener of this.#listeners) {
      try {
        listener(types, changed);
      } catch (error) {
        this.#options.onError(error);
      }
    }
  }
}

function merge(all: readonly ChangedNames[]): ChangedNames {
  const [first] = all;
  if (first !== undefined && all.length === 1) return first;
  const merged = new Map<ResourceType, Set<string>>();
  for (const changed of all) {
    for (const [type, names] of changed) {
      const known = merged.get(type) ?? new Set();
      for (const name of names) known.add(name);
      merged.set(type, known);
    }
  }
  return merged;
}

function isAskedType(type: ResourceType): type is AskedType {
  return type === "listener" || type === "route" || type === "virtualHost";
}

interface AskedName {
  readonly type: AskedType;
  readonly name: string;
  /** From the layer of what was asked for. */
  remove: () => void;
}

interface Layers {
  readonly generation: number;
  readonly shared: ResourceSet;
  /** Gives `shared` back. */
  readonly release: () => void;
  readonly own: ResourceSet;
  /** What was asked for by name and is not in `own`. */
  readonly asked: ResourceSet;
  readonly names: Map<string, AskedName>;
  readonly stop: readonly (() => void)[];
}

function closeLayers({ own, asked, stop, release }: Layers): void {
  for (const end of stop) end();
  release();
  own.dispose();
  asked.dispose();
}
