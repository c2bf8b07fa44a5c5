/** What one client wants, has been sent and has acknowledged of one resource type. */
import { type EncodedResource, hashOf } from "./encoded-resource.ts";
import { readRefusal } from "./culprits.ts";
import type { Dialect, DiscoveryRequest } from "./discovery.ts";
import { ABSENT, AGAIN, type Held, heldOf, HeldResources, isThere } from "./held-resources.ts";
import type { ResourceType } from "./ports.ts";
import {
  addsNames,
  type Change,
  changedResources,
  type Push,
  type PushOptions,
  removedNames,
} from "./push.ts";

/** A response larger than this is continued in another one once it is acknowledged: gRPC clients take 4 MiB by default. Bytes. */
export const MAX_RESPONSE_BYTES = 3 * 1024 * 1024;

/** More names than any mesh has; a client that asks for more is ended with RESOURCE_EXHAUSTED. */
export const MAX_NAMES = 100_000;

/** Types of which a client that names nothing at first wants what there is for it. */
const WILDCARD_TYPES: ReadonlySet<ResourceType> = new Set(["cluster", "listener", "virtualHost"]);

/** How the type stands with this client, for people. */
export interface TypeStatus {
  /** The last version sent; empty before the first response. */
  readonly version: string;
  readonly acknowledgedVersion: string;
  /** Milliseconds since 1970; 0 before the first acknowledgement. */
  readonly acknowledgedAt: number;
  readonly nonce: string;
  /** Number of resources that the client holds. */
  readonly resources: number;
  /** What the client said when it refused something, or why a resource could not be sent; absent when it holds all that it should. */
  readonly error?: string;
  /** The resources that it refused or that are not valid, each with the reason. */
  readonly refusals?: readonly Refusal[];
}

export interface Refusal {
  readonly resource: string;
  readonly reason: string;
}

/** How a client stands to one resource: `waiting` for it or for its answer, or it wants none of that name. */
export type Standing = "accepted" | "refused" | "waiting" | "unwanted";

/** Live: the names of what there is of a type for the client. */
export interface NamedResources {
  has(name: string): boolean;
  keys(): Iterable<string>;
}

/** One push is outstanding at most; what changes meanwhile is merged into the next. */
export class Subscription {
  readonly type: ResourceType;
  readonly #dialect: Dialect;
  /** Responses carry every resource, as the state-of-the-world dialect has it for clusters and listeners. */
  readonly #full: boolean;
  #wildcard = false;
  readonly #names = new Set<string>();
  readonly #all: NamedResources;
  /** Names whose state at the client may not be what it should be. */
  readonly #stale = new Set<string>();
  /** Names that are gone but may not be taken away yet; once nothing refers to them, with when (`performance.now()`) they will be. */
  readonly #departing = new Map<string, number | undefined>();
  readonly #held = new HeldResources();
  /** What the client has refused. */
  readonly #refused = new Map<string, { readonly hash: string; readonly reason: string }>();
  /** What is wrong with resources that could not be encoded; the client keeps what it has. */
  readonly #invalid = new Map<string, string>();
  /** Names of a refused response of which one is bad: each group is tried by itself, halved until it is found. */
  #groups: string[][] = [];
  #owesAnswer: boolean;
  #outstanding: Push | undefined;
  #last: { version: string; nonce: string } = { version: "", nonce: "" };
  /** How often the last version has been sent before in a row. */
  #repeats = 0;
  #acknowledged = { version: "", at: 0 };
  #error: string | undefined;
  /** The client came with a configuration from an earlier stream. */
  readonly resumed: boolean;

  /** `all` is live: it always has what the client should hold if it wants everything. */
  constructor(type: ResourceType, dialect: Dialect, first: DiscoveryRequest, all: NamedResources) {
    this.type = type;
    this.#all = all;
    this.#dialect = dialect;
    this.#full = dialect === "sotw" && (type === "cluster" || type === "listener");
    this.resumed = first.configured;
    this.#owesAnswer = this.#full || (dialect === "delta" && !first.configured);
    for (const [name, version] of first.initialVersions) {
      this.#held.put(name, { hash: hashOf(version), resource: undefined });
      this.#stale.add(name);
    }
    if (WILDCARD_TYPES.has(type) && first.subscribe.length === 0) {
      this.addNames(["*"]);
    }
  }

  get outstanding(): Push | undefined {
    return this.#outstanding;
  }

  /** Something is to be sent, at once or when the outstanding push is answered. */
  get waiting(): boolean {
    return this.#stale.size > 0 || this.#owesAnswer;
  }

  /** Something is to be sent of which the client has nothing at all. */
  get lacking(): boolean {
    for (const name of this.#stale) {
      if (!isThere(this.#held.get(name)) && this.#all.has(name)) return true;
    }
    return false;
  }

  get departing(): boolean {
    return this.#departing.size > 0;
  }

  /** There are names that may be taken away now, if nothing refers to them. */
  get leaving(): boolean {
    const now = performance.now();
    for (const at of this.#departing.values()) if (at === undefined || at <= now) return true;
    return false;
  }

  /** When (`performance.now()`) the next of the names that still linger is to be taken away. */
  get nextDeparture(): number | undefined {
    const now = performance.now();
    let next: number | undefined;
    for (const at of this.#departing.values())
      if (at !== undefined && at > now && (next === undefined || at < next)) next = at;
    return next;
  }

  /** The client holds what it should, and said so. It may still hold what nothing refers to. */
  get inStep(): boolean {
    if (!this.answered || this.#problem !== undefined) return false;
    for (const at of this.#departing.values()) if (at === undefined) return false;
    return true;
  }

  get #problem(): string | undefined {
    return this.#error ?? this.#invalid.values().next().value;
  }

  wants(name: string): boolean {
    return this.#names.has(name) || (this.#wildcard && this.#all.has(name));
  }

  /** The name is asked for and has been dealt with, as far as that is possible. */
  served(name: string): boolean {
    return this.wants(name) && !this.#stale.has(name);
  }

  /** The client has something under that name, though perhaps not the newest. */
  has(name: string): boolean {
    return isThere(this.#held.get(name));
  }

  /** The client has said of all that it was sent what it thinks of it, and nothing more is to come. */
  get answered(): boolean {
    return !this.waiting && this.#outstanding === undefined;
  }

  /** The names wanted are exactly these (state of the world). */
  replaceNames(names: readonly string[]): void {
    if (names.length === 0 && this.#wildcard && this.#names.size === 0) return;
    const next = new Set(names);
    this.dropNames(
      [...this.#names, ...(this.#wildcard ? ["*"] : [])].filter((name) => !next.has(name)),
    );
    this.addNames(names.filter((name) => !(name === "*" ? this.#wildcard : this.#names.has(name))));
  }

  /** These names are wanted too; a name that was wanted already is sent again. */
  addNames(names: readonly string[], versions: ReadonlyMap<string, string> = new Map()): void {
    for (const name of names) {
      if (name === "*") {
        if (this.type === "secret") continue;
        this.#wildcard = true;
        for (const listed of this.#all.keys()) this.#stale.add(listed);
      } else {
        const held = this.#held.get(name);
        if (!versions.has(name)) {
          this.#held.put(name, held && isThere(held) ? { ...held, hash: AGAIN } : undefined);
        }
        this.#names.add(name);
        this.#stale.add(name);
      }
    }
  }

  dropNames(names: readonly string[]): void {
    for (const name of names) {
      if (name === "*") {
        this.#wildcard = false;
        for (const held of this.#held.names()) if (!this.#names.has(held)) this.#forget(held);
      } else if (this.#names.delete(name) && !this.wants(name)) {
        this.#forget(name);
      }
    }
  }

  /** Names that the client asked for. */
  names(): Iterable<string> {
    return this.#names;
  }

  /** A name is taken from the client, which may ask for it again. */
  evict(name: string): void {
    this.#names.delete(name);
    this.#stale.add(name);
  }

  get size(): number {
    return this.#names.size;
  }

  /** What these names stand for may have changed, come or gone. */
  touch(names: Iterable<string>): void {
    for (const name of names) {
      if (this.#wildcard || this.#names.has(name)) this.#stale.add(name);
    }
  }

  /** What any name that was asked for stands for may have changed. */
  touchNames(): void {
    for (const name of this.#names) this.#stale.add(name);
  }

  /** Sends a name again although it is equal: the client has thrown it away. */
  resend(name: string): void {
    if (!this.wants(name)) return;
    const held = this.#held.get(name);
    if (held && isThere(held)) this.#held.put(name, { ...held, hash: AGAIN });
    this.#stale.add(name);
  }

  /** Puts together the next response, or nothing if the client needs none. */
  next(options: PushOptions): Push | undefined {
    if (options.removals) {
      const now = performance.now();
      for (const [name, at] of this.#departing) {
        const linger = at === undefined ? options.linger(name) : 0;
        if (linger > 0) this.#departing.set(name, now + linger);
        else if (at === undefined || at <= now) this.#stale.add(name);
      }
    }
    let changes = this.#takeChanges(options, this.#groups.shift() ?? this.#stale);
    while (changes.size === 0 && this.#groups.length > 0) {
      changes = this.#takeChanges(options, this.#groups.shift()!);
    }
    for (const [name, { after }] of changes) this.#held.put(name, after);
    if (changes.size === 0 && this.#refused.size === 0) this.#error = undefined;
    if (changes.size === 0 && !this.#owesAnswer) return undefined;
    this.#owesAnswer = false;
    const version = `${options.revision}-${this.#held.sum}`;
    const push: Push = {
      nonce: this.#nextNonce(version),
      version,
      at: performance.now(),
      resources: this.#full ? this.#held.resources() : changedResources(changes),
      removed: removedNames(changes),
      changes,
      added: addsNames(changes),
    };
    this.#outstanding = push;
    this.#last = { version, nonce: push.nonce };
    return push;
  }

  /** The push that the client has accepted, or nothing if the nonce is not that of the outstanding one. */
  accept(nonce: string): Push | undefined {
    const push = this.#outstanding;
    if (push?.nonce !== nonce) return undefined;
    this.#outstanding = undefined;
    this.#acknowledged = { version: push.version, at: Date.now() };
    if (this.#refused.size === 0 && this.#groups.length === 0) this.#error = undefined;
    return push;
  }

  /** The client has refused the outstanding push: what it refused is not sent again until it changes; the others are. */
  refuse(nonce: string, message: string): readonly string[] {
    const push = this.#outstanding;
    if (push?.nonce !== nonce) return [];
    this.#outstanding = undefined;
    this.#error = message;
    const { culprits, reasons, othersApplied } = readRefusal(message, push.changes.keys());
    for (const name of culprits) {
      const { before, after } = push.changes.get(name)!;
      if (after)
        this.#refused.set(name, { hash: after.hash, reason: reasons.get(name) ?? message });
      this.#held.put(name, before);
    }
    const others = [...push.changes.keys()].filter((name) => !culprits.includes(name));
    if (others.length > 0 && !othersApplied) {
      for (const name of others) {
        this.#held.put(name, push.changes.get(name)!.before);
        this.#stale.add(name);
      }
      if (culprits.length === 0) this.#groups.unshift(...halves(others));
    }
    return culprits;
  }

  status(): TypeStatus {
    const error = this.#problem;
    const refusals = [
      ...Array.from(this.#refused, ([resource, { reason }]) => ({ resource, reason })),
      ...Array.from(this.#invalid, ([resource, reason]) => ({ resource, reason })),
    ];
    return {
      version: this.#last.version,
      acknowledgedVersion: this.#acknowledged.version,
      acknowledgedAt: this.#acknowledged.at,
      nonce: this.#last.nonce,
      resources: this.#held.count,
      ...(error === undefined ? {} : { error }),
      ...(refusals.length === 0 ? {} : { refusals }),
    };
  }

  standing(name: string): Standing {
    if (!this.wants(name)) return "unwanted";
    if (this.#stale.has(name) || this.#outstanding?.changes.has(name)) return "waiting";
    return this.#refused.has(name) || this.#invalid.has(name) ? "refused" : "accepted";
  }

  /** What the client has accepted under a name, whatever is on its way to it. */
  accepted(name: string): EncodedResource | undefined {
    const change = this.#outstanding?.changes.get(name);
    return (change ? change.before : this.#held.get(name))?.resource;
  }

  /** Equal for streams that are sent the same, different from the one before on this stream. */
  #nextNonce(version: string): string {
    this.#repeats = version === this.#last.version ? this.#repeats + 1 : 0;
    return this.#repeats === 0 ? version : `${version}.${this.#repeats}`;
  }

  #takeChanges(options: PushOptions, names: Iterable<string>): Map<string, Change> {
    const changes = new Map<string, Change>();
    let bytes = 0;
    for (const name of names) {
      if (options.waits?.(name) || !this.#stale.delete(name)) continue;
      const before = this.#held.get(name);
      const wanted = this.wants(name) ? options.lookup(name) : undefined;
      if (wanted) this.#departing.delete(name);
      if (wanted instanceof Error) {
        this.#invalid.set(name, wanted.message);
        continue;
      }
      this.#invalid.delete(name);
      if (wanted) {
        if (this.#refused.get(name)?.hash === wanted.hash) continue;
        this.#refused.delete(name);
        if (before?.hash === wanted.hash) {
          this.#held.put(name, heldOf(wanted));
          continue;
        }
        bytes += wanted.deltaEntry.length;
        if (bytes > MAX_RESPONSE_BYTES && changes.size > 0 && !this.#full) {
          this.#stale.add(name);
          break;
        }
        changes.set(name, { before, after: heldOf(wanted) });
      } else {
        this.#refused.delete(name);
        if (!this.#goes(name, before)) continue;
        if (before && !this.#leaves(name, options)) continue;
        this.#departing.delete(name);
        changes.set(name, {
          before,
          after: this.#names.has(name) ? { hash: ABSENT, resource: undefined } : undefined,
        });
      }
    }
    return changes;
  }

  /** Whether a name may be taken away at once; if not, it is noted when it may be. */
  #leaves(name: string, options: PushOptions): boolean {
    const at = this.#departing.get(name);
    const now = performance.now();
    const linger = at === undefined && options.removals ? options.linger(name) : 0;
    if (options.removals && linger === 0 && (at === undefined || at <= now)) return true;
    this.#departing.set(name, at ?? (options.removals ? now + linger : undefined));
    return false;
  }

  /** Whether a name without a resource is something to tell the client. */
  #goes(name: string, before: Held | undefined): boolean {
    // A module that is still being fetched is no module that is gone: who waits for it goes on with what it has.
    const waits = this.type === "extension" && before === undefined;
    if (this.type === "secret" || waits || before?.hash === ABSENT) return false;
    if (before === undefined) return this.#dialect === "delta" && this.#names.has(name);
    if (this.#dialect === "delta" || this.#full) return true;
    this.#held.put(name, undefined);
    return false;
  }

  #forget(name: string): void {
    this.#held.put(name, undefined);
    this.#stale.delete(name);
    this.#departing.delete(name);
    this.#refused.delete(name);
    this.#invalid.delete(name);
  }
}

function halves(names: readonly string[]): string[][] {
  const middle = Math.ceil(names.length / 2);
  return [names.slice(0, middle), names.slice(middle)];
}
