/** The ADS server: one gRPC service in both dialects, a stream for each client, and what the agent tells and asks of it. */
import { Server, ServerCredentials, status as grpcStatus } from "@grpc/grpc-js";
import type {
  ServerDuplexStream,
  ServiceDefinition,
  UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { beforeExpiry, CallerRefused, callerOf } from "../callers/index.ts";
import { streaming } from "../grpc-bytes.ts";
import { createResponseWriter } from "./discovery.ts";
import type { Dialect } from "./discovery.ts";
import { createResourceEncoder } from "./encoded-resource.ts";
import { createNames } from "./names.ts";
import { Outgoing } from "./outgoing.ts";
import { Overlap } from "./overlap/overlap.ts";
import { createPace } from "./pace.ts";
import type { ResourceType, SecretSource, ViewSource, WorkingSets, XdsLog } from "./ports.ts";
import { ProxyStream, StreamRefused } from "./proxy-stream.ts";
import type { ProxyStatus, StreamContext } from "./proxy-stream.ts";
import type { Standing } from "./subscription.ts";

/** Requests larger than this end their stream. A proxy that returns names all that it holds, with versions. Bytes. */
const MAX_REQUEST_BYTES = 16 * 1024 * 1024;

/** A proxy that is gone without a word is noticed after these, in milliseconds. */
const KEEPALIVE_MS = { every: 30_000, timeout: 10_000 };

/**
 * A cluster stays at least so long after the last route to it has gone, milliseconds: a request that was routed before may be
 * held by a delay, or wait for its next try, and would find nothing there. Routes with longer times keep it longer.
 */
const LINGER_MS = 10_000;

/** How long streams may take to end when the server closes, in milliseconds. */
const CLOSE_MS = 1_000;

export interface AdsServerOptions {
  readonly translator: ViewSource;
  readonly secrets: SecretSource;
  readonly log: XdsLog;
  /** Without them nothing is known of what workloads call. */
  readonly workingSets?: WorkingSets;
  /** How long clusters stay at least that no route leads to any more, milliseconds; 10 s unless told otherwise. */
  readonly linger?: number;
  /** Served on the same port, for proxies that have one cluster for all that the agent does. */
  readonly beside?: readonly {
    readonly definition: ServiceDefinition;
    readonly implementation: UntypedServiceImplementation;
  }[];
}

export interface AdsServer {
  /**
   * Listens on `host:port` (port 0: any), in plaintext without credentials; resolves to the port, rejects if it is taken. With
   * credentials by which callers prove who they are (`authenticated`) that counts, and not what a node says. May be called again
   * for another address.
   */
  start(address: string, credentials?: ServerCredentials): Promise<number>;
  /** The translator has been given a change that may concern both ends of a connection; its views may not have heard yet. */
  announce(): void;
  /** The model has moved to this revision; to be called when it has been applied to the translator. */
  setRevision(number: number): void;
  /** All streams that have said who they are, oldest first. */
  status(): ProxyStatus[];
  /** How the newest stream of a proxy, by its node's id, stands to one resource. */
  standing(id: string, type: ResourceType, name: string): Standing;
  /** Calls back, at most once a turn, with streams whose status has changed and the numbers of streams that have ended. */
  onStatus(
    listener: (changed: readonly ProxyStatus[], ended: readonly number[]) => void,
  ): () => void;
  /** Ends all streams and stops listening. */
  close(): Promise<void>;
}

type Call = ServerDuplexStream<Buffer, Buffer>;

export function createAdsServer(options: AdsServerOptions): AdsServer {
  const { translator, secrets, log, linger = LINGER_MS, beside = [] } = options;
  const { workingSets = { of: () => [], asked: () => {} } } = options;
  const streams = new Map<ProxyStream, Call>();
  const listeners = new Set<(changed: readonly ProxyStatus[], ended: readonly number[]) => void>();
  const changed = new Set<ProxyStream>();
  const ended = new Set<number>();
  let reporting: NodeJS.Immediate | undefined;
  let announced = 0;
  let settled = 0;
  let numbers = 0;

  const outgoing = new Outgoing(() => pace.goOn());
  const pace = createPace<ProxyStream>(
    (stream) => guarded(stream, () => stream.pump()),
    () => !outgoing.crowded,
  );
  const context: StreamContext = {
    views: translator,
    secrets,
    workingSets,
    encoder: createResourceEncoder(() => announced),
    names: createNames(),
    responses: createResponseWriter(),
    log,
    linger,
    overlap: new Overlap(
      () => streams.keys(),
      () => translator.settled?.() ?? Promise.resolve(),
    ),
    revision: () => ({ announced, settled }),
    crowded: () => outgoing.crowded,
    wake: (stream) => pace.request(stream),
    changed(stream) {
      changed.add(stream);
      report();
    },
  };
  const unsubscribe = secrets.subscribe((name) => {
    for (const stream of streams.keys()) stream.secretChanged(name);
  });

  function report(): void {
    if (listeners.size === 0) return;
    reporting ??= setImmediate(() => {
      reporting = undefined;
      const live = [...changed].filter((stream) => streams.has(stream) && stream.proxy);
      const statuses = live.map((stream) => stream.status());
      const gone = [...ended];
      changed.clear();
      ended.clear();
      for (const listener of listeners) listener(statuses, gone);
    });
  }

  function open(dialect: Dialect, call: Call): void {
    const caller = callerOf(call);
    const write = (bytes: Buffer) => outgoing.write(call, bytes);
    const stream = new ProxyStream(++numbers, dialect, context, write, caller);
    streams.set(stream, call);
    const stopWaiting = beforeExpiry(caller, () => {
      log.info("xds: the stream's token expires", { proxy: stream.proxy?.id });
      end();
      call.end();
    });
    const end = (): void => {
      stopWaiting();
      if (!streams.delete(stream)) return;
      stream.close();
      pace.forget(stream);
      context.overlap.forget(stream);
      changed.delete(stream);
      ended.add(stream.number);
      report();
      if (stream.proxy) log.info("xds: disconnected", { proxy: stream.proxy.id });
    };
    call.on("data", (bytes: Buffer) => guarded(stream, () => stream.receive(bytes)));
    call.on("end", () => {
      end();
      call.end();
    });
    call.on("cancelled", end);
    call.on("error", end);
    call.on("close", end);
  }

  /** Runs a stream's code; what it throws ends that stream alone. */
  function guarded(stream: ProxyStream, run: () => void): void {
    const call = streams.get(stream);
    if (!call) return;
    try {
      run();
    } catch (error) {
      const refused =
        error instanceof StreamRefused || error instanceof CallerRefused ? error : undefined;
      const details = refused?.message ?? "HDL3104 the server failed on this stream";
      log.warn("xds: stream ended", {
        proxy: stream.proxy?.id,
        error: refused?.message ?? String(error),
      });
      call.emit("error", { code: grpcStatus[refused?.reason ?? "INTERNAL"], details });
    }
  }

  const server = new Server({
    "grpc.max_receive_message_length": MAX_REQUEST_BYTES,
    "grpc.max_send_message_length": -1,
    "grpc.keepalive_time_ms": KEEPALIVE_MS.every,
    "grpc.keepalive_timeout_ms": KEEPALIVE_MS.timeout,
  });
  server.addService(aggregatedDiscoveryService, {
    StreamAggregatedResources: (call: Call) => open("sotw", call),
    DeltaAggregatedResources: (call: Call) => open("delta", call),
  });
  for (const { definition, implementation } of beside)
    server.addService(definition, implementation);

  return {
    start: (address, credentials = ServerCredentials.createInsecure()) =>
      new Promise((resolve, reject) => {
        server.bindAsync(address, credentials, (error, port) =>
          error ? reject(error) : resolve(port),
        );
      }),
    announce: () => context.overlap.announce(),
    setRevision(number) {
      announced = Math.max(announced, number);
      const arrive = (): void => {
        settled = Math.max(settled, number);
        for (const stream of streams.keys()) stream.revisionChanged();
      };
      if (translator.settled) void translator.settled().then(arrive);
      else arrive();
    },
    status: () =>
      [...streams.keys()].filter((stream) => stream.proxy).map((stream) => stream.status()),
    standing: (id, type, name) =>
      [...streams.keys()].findLast(({ proxy }) => proxy?.id === id)?.standing(type, name) ??
      "unwanted",
    onStatus(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    async close() {
      unsubscribe();
      pace.close();
      clearImmediate(reporting);
      for (const [stream, call] of streams) {
        stream.close();
        call.end();
      }
      streams.clear();
      await new Promise<void>((resolve) => {
        const timer = setTimeout(() => {
          server.forceShutdown();
          resolve();
        }, CLOSE_MS);
        server.tryShutdown(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    },
  };
}

const SERVICE = "/envoy.service.discovery.v3.AggregatedDiscoveryService";

/** Both methods carry bytes; reading and writing them is the stream's own business. */
export const aggregatedDiscoveryService = {
  StreamAggregatedResources: streaming(`${SERVICE}/StreamAggregatedResources`),
  DeltaAggregatedResources: streaming(`${SERVICE}/DeltaAggregatedResources`),
} satisfies ServiceDefinition;
