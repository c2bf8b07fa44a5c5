/** Child process of the ADS bench: N delta clients that subscribe as Envoy does and read no more of a response than they must. */
import { Client, credentials } from "@grpc/grpc-js";
import type { ClientDuplexStream } from "@grpc/grpc-js";
import { decode, encode, typeUrls } from "@heddle/envoy";

/** What the parent asks for. */
export type Command = { readonly connect: number; readonly port: number } | "count" | "end";

/** Totals over all clients since the last time that the parent asked. */
export interface Counts {
  readonly bytes: number;
  readonly responses: number;
  readonly resources: number;
  readonly failures: number;
}

const counts = { bytes: 0, responses: 0, resources: 0, failures: 0 };

const REQUEST = "envoy.service.discovery.v3.DeltaDiscoveryRequest";
const identity = (bytes: Buffer): Buffer => bytes;
const types = ["cluster", "endpoint", "listener", "route"] as const;
type Type = (typeof types)[number];

interface Resource {
  readonly name: string;
  readonly any: Buffer;
}

interface Response {
  readonly typeUrl: string;
  readonly nonce: string;
  readonly resources: readonly Resource[];
  readonly removed: readonly string[];
}

function connect(index: number, port: number): void {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
    "grpc.max_receive_message_length": 64 * 1024 * 1024,
    "grpc.use_local_subchannel_pool": 1,
  });
  const call: ClientDuplexStream<Buffer, Buffer> = client.makeBidiStreamRequest(
    "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources",
    identity,
    identity,
  );
  const wanted: Record<"endpoint" | "route", Set<string>> = {
    endpoint: new Set(),
    route: new Set(),
  };
  const want = (
    type: "endpoint" | "route",
    added: readonly string[],
    removed: readonly string[],
  ): void => {
    const fresh = added.filter((name) => !wanted[type].has(name));
    const gone = removed.filter((name) => wanted[type].delete(name));
    for (const name of fresh) wanted[type].add(name);
    if (fresh.length > 0 || gone.length > 0) call.write(subscription(type, fresh, gone));
  };
  call.on("error", () => counts.failures++);
  call.on("data", (bytes: Buffer) => {
    counts.bytes += bytes.length;
    counts.responses++;
    const response = skim(bytes);
    counts.resources += response.resources.length;
    const type = types.find((each) => typeUrls[each] === response.typeUrl);
    if (type === "cluster") {
      const served = (name: string): boolean => name.startsWith("outbound|");
      want("endpoint", response.resources.map(({ name }) => name).filter(served), response.removed);
    }
    if (type === "listener")
      want(
        "route",
        response.resources.flatMap(({ any }) => routeNames(any)),
        [],
      );
    call.write(
      Buffer.from(encode(REQUEST, { typeUrl: response.typeUrl, responseNonce: response.nonce })),
    );
  });
  const ip = `10.250.${index >> 8}.${index & 255}`;
  const node = {
    id: `sidecar~${ip}~client-${index}.default~default.svc.cluster.local`,
    metadata: { NAMESPACE: "default", LABELS: { app: `client-${index}` }, INSTANCE_IPS: ip },
  };
  for (const type of ["cluster", "listener"] as const) {
    call.write(Buffer.from(encode(REQUEST, { node, typeUrl: typeUrls[type] })));
  }
}

const subscriptions = new Map<string, Buffer>();

/** Clients mostly ask for the same names; their request is made once. */
function subscription(type: Type, added: readonly string[], removed: readonly string[]): Buffer {
  const key = [type, ...added, "-", ...removed].join(" ");
  const made =
    subscriptions.get(key) ??
    Buffer.from(
      encode(REQUEST, {
        typeUrl: typeUrls[type],
        resourceNamesSubscribe: added,
        resourceNamesUnsubscribe: removed,
      }),
    );
  if (subscriptions.size < 100) subscriptions.set(key, made);
  return made;
}

const namesOfListener = new Map<string, string[]>();

/** Route names in a packed listener; equal listeners are read once. */
function routeNames(any: Buffer): string[] {
  const key = any.toString("latin1");
  let names = namesOfListener.get(key);
  if (!names) {
    names = [...new Set(collect(decode("google.protobuf.Any", any)))];
    namesOfListener.set(key, names);
  }
  return names;
}

function collect(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === "routeConfigName" ? [String(inner)] : collect(inner),
  );
}

/** The fields of a DeltaDiscoveryResponse that a client needs in order to answer; resources stay packed. */
function skim(bytes: Buffer): Response {
  const resources: Resource[] = [];
  const removed: string[] = [];
  let [typeUrl, nonce] = ["", ""];
  for (const [number, value] of fields(bytes)) {
    if (number === 4) typeUrl = value.toString();
    else if (number === 5) nonce = value.toString();
    else if (number === 6) removed.push(value.toString());
    else if (number === 2) {
      const inner = new Map(fields(value));
      resources.push({ name: String(inner.get(3)), any: inner.get(2) ?? Buffer.alloc(0) });
    }
  }
  return { typeUrl, nonce, resources, removed };
}

/** Length-delimited fields, which are all that these messages have. */
function* fields(bytes: Buffer): Generator<[number, Buffer]> {
  let at = 0;
  const varint = (): number => {
    let result = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++]!;
      result |= (byte & 0x7f) << shift;
      if (byte < 0x80) return result;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const length = varint();
    yield [tag >>> 3, bytes.subarray(at, at + length)];
    at += length;
  }
}

process.on("message", (command: Command) => {
  if (command === "end") process.exit(0);
  if (command === "count") {
    process.send!({ ...counts } satisfies Counts);
    Object.assign(counts, { bytes: 0, responses: 0, resources: 0, failures: 0 });
    return;
  }
  for (let index = 0; index < command.connect; index++) connect(index, command.port);
});
process.on("disconnect", () => process.exit(0));
