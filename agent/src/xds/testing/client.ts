/** An xDS client of either dialect that subscribes as Envoy does: all clusters and listeners, and by name what they refer to. */
import { Client, credentials } from "@grpc/grpc-js";
import type { ClientDuplexStream } from "@grpc/grpc-js";
import { decode, encode, typeUrls } from "@heddle/envoy";
import { aggregatedDiscoveryService } from "../ads-server.ts";
import type { Dialect } from "../discovery.ts";
import { hashOf } from "../encoded-resource.ts";
import { resourceKinds } from "../ports.ts";
import type { ResourceType } from "../ports.ts";

export interface ReceivedResponse {
  readonly type: ResourceType;
  readonly version: string;
  readonly names: readonly string[];
  readonly removed: readonly string[];
}

export interface Held {
  readonly version: string;
  readonly value: Record<string, unknown>;
}

export interface TestClientOptions {
  readonly port: number;
  readonly dialect: Dialect;
  readonly id?: string;
  /** Says that it is Envoy. */
  readonly envoy?: boolean;
  /** Of its node. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** Refuses a response with this message. */
  readonly refuse?: (type: ResourceType, names: readonly string[]) => string | undefined;
  /** Called after each response has been taken. */
  readonly check?: (client: TestClient) => void;
  /** What it holds from an earlier stream. */
  readonly initial?: ReadonlyMap<ResourceType, ReadonlyMap<string, Held>>;
  /** Subscribes to nothing by itself. */
  readonly manual?: boolean;
  /** Answers this many milliseconds late. */
  readonly delay?: number;
}

type Wire = Record<string, unknown> & {
  typeUrl: string;
  nonce: string;
  versionInfo?: string;
  systemVersionInfo?: string;
  resources?: (Record<string, unknown> & { version?: string })[];
  removedResources?: string[];
};

const messages = {
  sotw: [
    "envoy.service.discovery.v3.DiscoveryRequest",
    "envoy.service.discovery.v3.DiscoveryResponse",
  ],
  delta: [
    "envoy.service.discovery.v3.DeltaDiscoveryRequest",
    "envoy.service.discovery.v3.DeltaDiscoveryResponse",
  ],
} as const;

export class TestClient {
  readonly state: Map<ResourceType, Map<string, Held>> = new Map(
    resourceKinds.map((type) => [type, new Map<string, Held>()]),
  );
  readonly received: ReceivedResponse[] = [];
  ended: Error | undefined;
  readonly #options: TestClientOptions;
  readonly #client: Client;
  readonly #call: ClientDuplexStream<Buffer, Buffer>;
  readonly #wanted = new Map<ResourceType, Set<string>>();
  readonly #versions = new Map<ResourceType, string>();
  readonly #nonces = new Map<ResourceType, string>();
  #first = true;

  constructor(options: TestClientOptions) {
    this.#options = options;
    for (const [type, held] of options.initial ?? []) this.state.set(type, new Map(held));
    this.#client = new Client(`127.0.0.1:${options.port}`, credentials.createInsecure());
    const { path, requestSerialize, responseDeserialize } =
      aggregatedDiscoveryService[
        options.dialect === "sotw" ? "StreamAggregatedResources" : "DeltaAggregatedResources"
      ];
    this.#call = this.#client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    this.#call.on("data", (bytes: Buffer) => {
      if (options.delay) setTimeout(() => this.#receive(bytes), options.delay);
      else this.#receive(bytes);
    });
    this.#call.on("error", (error) => (this.ended = error));
    if (options.manual) return;
    this.subscribe("cluster", []);
    this.subscribe("listener", []);
    if (options.initial) this.#follow();
  }

  /** Asks for exactly these names; none at first means all. */
  subscribe(type: ResourceType, names: readonly string[], first = !this.#wanted.has(type)): void {
    const before = this.#wanted.get(type) ?? new Set();
    const next = new Set(names);
    this.#wanted.set(type, next);
    const added = names.filter((name) => !before.has(name));
    const dropped = [...before].filter((name) => !next.has(name));
    for (const name of dropped) this.state.get(type)!.delete(name);
    if (!first && added.length === 0 && dropped.length === 0) return;
    if (this.#options.dialect === "sotw") return this.#sendSotw(type);
    this.send({
      typeUrl: typeUrls[type],
      resourceNamesSubscribe: added,
      resourceNamesUnsubscribe: dropped,
      ...(first
        ? {
            initialResourceVersions: Object.fromEntries(
              [...this.state.get(type)!].map(([name, held]) => [name, held.version]),
            ),
          }
        : {}),
    });
  }

  /** Asks for a virtual host, as an Envoy does for each request that finds none. */
  ask(name: string): void {
    if (!this.#wanted.has("virtualHost")) this.subscribe("virtualHost", []);
    this.send({ typeUrl: typeUrls.virtualHost, resourceNamesSubscribe: [name] });
  }

  send(request: Record<string, unknown>): void {
    const node = {
      id: this.#options.id ?? "sidecar~127.0.0.1~web.default~default.svc.cluster.local",
      ...(this.#options.metadata ? { metadata: this.#options.metadata } : {}),
      ...(this.#options.envoy ? { userAgentName: "envoy" } : {}),
    };
    const [name] = messages[this.#options.dialect];
    this.#call.write(Buffer.from(encode(name, this.#first ? { node, ...request } : request)));
    this.#first = false;
  }

  close(): void {
    this.#call.cancel();
    this.#client.close();
  }

  #sendSotw(type: ResourceType, error?: string): void {
    this.send({
      typeUrl: typeUrls[type],
      resourceNames: [...(this.#wanted.get(type) ?? [])],
      versionInfo: this.#versions.get(type),
      responseNonce: this.#nonces.get(type),
      ...(error === undefined ? {} : { errorDetail: { code: 3, message: error } }),
    });
  }

  #receive(bytes: Buffer): void {
    const wire = decode(messages[this.#options.dialect][1], bytes) as Wire;
    const type = resourceKinds.find((kind) => typeUrls[kind] === wire.typeUrl)!;
    const sotw = this.#options.dialect === "sotw";
    const entries = (wire.resources ?? []).map((entry): [string, Held] => {
      const value = (sotw ? entry : entry["resource"]) as Record<string, unknown>;
      const name = String(sotw ? (value["name"] ?? value["clusterName"]) : entry["name"]);
      return [name, { version: entry.version ?? "", value }];
    });
    const names = entries.map(([name]) => name);
    const removed = wire.removedResources ?? [];
    const version = wire.versionInfo ?? wire.systemVersionInfo ?? "";
    this.received.push({ type, version, names, removed });
    this.#nonces.set(type, wire.nonce);
    const error = this.#options.refuse?.(type, names);
    if (error === undefined) {
      const held = this.state.get(type)!;
      if (sotw && (type === "cluster" || type === "listener")) held.clear();
      const wanted = this.#wanted.get(type)!;
      const isGiven = type === "cluster" || type === "listener" || type === "virtualHost";
      const ignores = !isGiven || (type !== "virtualHost" && wanted.size > 0);
      for (const [name, value] of entries) {
        if (!ignores || wanted.has(name)) held.set(name, value);
      }
      for (const name of removed) held.delete(name);
      this.#versions.set(type, version);
      if (!this.#options.manual) this.#follow();
      this.#options.check?.(this);
    }
    if (sotw) this.#sendSotw(type, error);
    else {
      this.send({
        typeUrl: wire.typeUrl,
        responseNonce: wire.nonce,
        ...(error === undefined ? {} : { errorDetail: { code: 3, message: error } }),
      });
    }
  }

  /** Endpoints of the clusters held and routes of the listeners held. */
  #follow(): void {
    const clusters = [...this.state.get("cluster")!.values()].filter(
      ({ value }) => value["type"] === "EDS",
    );
    const listeners = [...this.state.get("listener")!.values()];
    this.#want(
      "endpoint",
      clusters.map(({ value }) => String(value["name"])),
    );
    this.#want(
      "route",
      listeners.flatMap(({ value }) => routeNames(value)),
    );
    if (this.#options.envoy)
      this.#want(
        "secret",
        clusters.flatMap(({ value }) => secretNames(value)),
      );
    const asks = [...this.state.get("route")!.values()].some(({ value }) => value["vhds"]);
    if (asks && !this.#wanted.has("virtualHost")) this.subscribe("virtualHost", []);
  }

  #want(type: ResourceType, names: readonly string[]): void {
    if (names.length > 0 || this.#wanted.has(type))
      this.subscribe(type, [...new Set(names)].sort());
  }
}

/** The hashes of what a client holds of a type, by name. */
export function hashes(client: TestClient, type: ResourceType): Record<string, string> {
  return Object.fromEntries(
    [...client.state.get(type)!].map(([name, held]) => [name, hashOf(held.version)]),
  );
}

/** Of every secret that comes by SDS. */
function secretNames(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  const own = "sdsConfig" in value && "name" in value ? [String(value.name)] : [];
  return [...own, ...Object.values(value).flatMap(secretNames)];
}

/** Every `routeConfigName` in a listener. */
function routeNames(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === "routeConfigName" ? [String(inner)] : routeNames(inner),
  );
}

/** Waits until something holds; fails with what `describe` says after `timeout` milliseconds. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  describe: () => unknown = () => condition.toString(),
  timeout = 10_000,
): Promise<void> {
  const end = performance.now() + timeout;
  while (!(await condition())) {
    if (performance.now() > end)
      throw new Error(`still not so: ${JSON.stringify(await describe())}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
