/** The part of the Workers runtime that a sync room uses; spelled out here, so that its types do not shadow Node's. */

/** A WebSocket that may outlive the object in memory. */
export interface HibernatingSocket {
  send(text: string): void;
  close(code?: number, reason?: string): void;
  serializeAttachment(value: unknown): void;
  deserializeAttachment(): unknown;
}

export interface ObjectStorage {
  get<T>(key: string): Promise<T | undefined>;
  list<T>(options: { prefix: string }): Promise<Map<string, T>>;
  put(entries: Readonly<Record<string, unknown>>): Promise<void>;
  delete(keys: readonly string[]): Promise<number>;
  /** Calls the object's `alarm` then, milliseconds since 1970, asleep or not; replaces an earlier one. */
  setAlarm(at: number): Promise<void>;
}

export interface ObjectState {
  readonly storage: ObjectStorage;
  acceptWebSocket(socket: HibernatingSocket, tags: readonly string[]): void;
  getWebSockets(tag?: string): HibernatingSocket[];
  blockConcurrencyWhile<T>(work: () => Promise<T>): Promise<T>;
  waitUntil(work: Promise<unknown>): void;
}

export interface ObjectStub {
  fetch(request: Request): Promise<Response>;
}

export interface ObjectNamespace {
  idFromName(name: string): unknown;
  get(id: unknown): ObjectStub;
}

/** A pair of sockets: one goes into the answer, the other stays. */
export function socketPair(): { client: HibernatingSocket; server: HibernatingSocket } {
  const { WebSocketPair } = globalThis as unknown as {
    WebSocketPair: new () => [HibernatingSocket, HibernatingSocket];
  };
  const pair = new WebSocketPair();
  return { client: pair[0], server: pair[1] };
}
