/** The keys of all issuers that RequestAuthentications name: fetched, kept on disk, fetched anew, and handed to the translation. */
import {
  type Diagnostic,
  type JWTRule,
  type MeshObject,
  originOf,
  parseDuration,
  type RequestAuthentication,
} from "@heddle/model";
import { type KeySource, keySource, keySourceName, type SigningKeysState } from "@heddle/translate";
import { z } from "zod";
import type { AgentLog } from "../log.ts";
import { keptFile } from "../state/kept-file.ts";
import type { StateDirectory } from "../state/state-directory.ts";
import { fetchKeys } from "./fetch-keys.ts";
import type { Guard } from "./guard.ts";
import type { Resolve } from "./guarded-fetch.ts";
import { JwksError } from "./jwks-error.ts";
import { REFRESH, refreshAfter, type RefreshTimes } from "./refresh.ts";

export interface IssuersKeysOptions {
  readonly directory: Pick<StateDirectory, "read" | "write">;
  /** All objects in force, and those that stay in force in the place of others. */
  readonly objects: () => Iterable<MeshObject>;
  /** Where the translation is told. */
  readonly set: (source: string, state: SigningKeysState | undefined) => void;
  /** What is to be said of some keys has changed. */
  readonly changed: () => void;
  readonly guard: Guard;
  readonly log: AgentLog;
  readonly refresh?: RefreshTimes;
  /** DNS unless told otherwise. */
  readonly resolve?: Resolve;
}

export interface IssuersKeys {
  objectsChanged(keys: readonly string[]): void;
  /** One for each rule whose keys cannot be had now. */
  diagnostics(): readonly Diagnostic[];
  /** One for each rule whose keys are fetched. */
  numbers(): readonly IssuerNumbers[];
  /** Resolves when what is to be kept is on disk. */
  close(): Promise<void>;
}

export interface IssuerNumbers {
  /** `namespace/name` of the RequestAuthentication. */
  readonly policy: string;
  readonly issuer: string;
  /** There are keys to check tokens with, those that were fetched before if need be. */
  readonly available: boolean;
  /** Why they could not be fetched when that was tried last; undefined: they could, or are on their way. */
  readonly code: string | undefined;
}

/** Shared between replicas and outlives their pods, as the name of a file of the state directory. */
export const KEPT_KEYS = "jwks.json";
const SERVICE = "core/Service/";
const POLICY = "security.istio.io/RequestAuthentication/";
/** For a rule that says nothing of it, and at most; milliseconds. */
const TIMEOUT = { usual: 5_000, most: 30_000 };
/** Milliseconds between tries; doubled each time. */
const RETRY = { first: 2_000, longest: 300_000 };

/** A rule that wants keys. */
interface User {
  readonly policy: MeshObject<RequestAuthentication>;
  readonly rule: JWTRule;
  /** In the policy. */
  readonly index: number;
}

interface Wanted {
  readonly source: KeySource;
  users: readonly User[];
  jwks: string | undefined;
  error: JwksError | undefined;
  tries: number;
  timer: NodeJS.Timeout | undefined;
  /** The newest attempt; an older one's outcome counts no more. */
  attempt: number;
}

export function createIssuersKeys(options: IssuersKeysOptions): IssuersKeys {
  const { directory, objects, set, changed, guard, log, refresh = REFRESH, resolve } = options;
  const wanted = new Map<string, Wanted>();
  /** Not wanted any more: there until the next change, since a policy that Envoy refuses goes on as it was. */
  let retired: readonly string[] = [];
  const file = keptFile(directory, KEPT_KEYS, z.record(z.string(), z.string()), {
    failed: (error) => log.warn("jwks: keys could not be kept", { error: String(error) }),
    gather: 100,
  });
  let kept: ReturnType<typeof file.load> | undefined;
  const closing = new AbortController();

  function objectsChanged(keys: readonly string[]): void {
    // A service may be one that was not known, and so refused.
    if (keys.some((key) => key.startsWith(SERVICE)))
      for (const [name, entry] of wanted)
        if (entry.error?.code === "HDL7292") void obtain(name, entry);
    if (!keys.some((key) => key.startsWith(POLICY))) return;
    const bySource = Map.groupBy(everyUser(objects()), ({ rule }) => nameOf(rule));
    bySource.delete(undefined);
    for (const name of retired) if (!bySource.has(name)) set(name, undefined);
    retired = [...wanted.keys()].filter((name) => !bySource.has(name));
    for (const name of retired) {
      clearTimeout(wanted.get(name)?.timer);
      wanted.delete(name);
    }
    for (const [name, users] of bySource as Map<string, User[]>) {
      const before = wanted.get(name);
      // Whoever has mended something does not want to wait.
      const again = before?.error !== undefined;
      const entry = before ?? newEntry(users);
      entry.users = users;
      wanted.set(name, entry);
      if (before === undefined || again) void obtain(name, entry);
    }
    if (retired.length > 0) keep();
    changed();
  }

  async function obtain(name: string, entry: Wanted): Promise<void> {
    clearTimeout(entry.timer);
    const attempt = ++entry.attempt;
    const current = () =>
      !closing.signal.aborted && wanted.get(name) === entry && entry.attempt === attempt;
    const before = entry.jwks ?? (await (kept ??= file.load()))?.[name];
    if (!current()) return;
    if (before !== undefined && entry.jwks === undefined) {
      serve(name, entry, before);
      keep();
    }
    const signal = AbortSignal.any([AbortSignal.timeout(timeoutOf(entry)), closing.signal]);
    try {
      const { jwks, maxAge } = await fetchKeys(entry.source, {
        ...{ guard, signal },
        ...(resolve ? { resolve } : {}),
      });
      if (!current()) return;
      const told = entry.error !== undefined;
      Object.assign(entry, { error: undefined, tries: 0 });
      if (jwks !== entry.jwks) {
        serve(name, entry, jwks);
        keep();
        log.info("jwks: keys fetched", { url: entry.source.url });
      }
      if (told) changed();
      // Never all at once.
      plan(name, entry, refreshAfter(maxAge, refresh) * (0.9 + Math.random() / 10));
    } catch (error) {
      if (!current()) return;
      entry.error =
        error instanceof JwksError
          ? error
          : new JwksError("HDL7290", `${entry.source.url}: ${String(error)}`, error);
      if (entry.jwks === undefined) set(name, { state: "failed" });
      changed();
      log.warn(`${entry.error.code}: the keys of an issuer cannot be had`, {
        url: entry.source.url,
        error: entry.error.message,
      });
      plan(name, entry, Math.min(RETRY.first * 2 ** entry.tries++, RETRY.longest));
    }
  }

  function plan(name: string, entry: Wanted, after: number): void {
    clearTimeout(entry.timer);
    entry.timer = setTimeout(() => void obtain(name, entry), after);
    entry.timer.unref();
  }

  function serve(name: string, entry: Wanted, jwks: string): void {
    entry.jwks = jwks;
    set(name, { state: "ready", jwks });
  }

  /** Of those that are wanted alone. */
  function keep(): void {
    const had = [...wanted].flatMap(([name, { jwks }]) => (jwks ? [[name, jwks] as const] : []));
    file.keep(() => Object.fromEntries(had));
  }

  return {
    objectsChanged,
    diagnostics: () =>
      [...wanted.values()].flatMap(({ users, error, jwks }) =>
        error === undefined ? [] : users.map((user) => diagnosticOf(user, error, jwks)),
      ),
    numbers: () =>
      [...wanted.values()].flatMap(({ users, error, jwks }) =>
        users.map(({ policy: { metadata }, rule }) => ({
          policy: `${metadata.namespace}/${metadata.name}`,
          issuer: rule.issuer ?? "",
          available: jwks !== undefined,
          code: error?.code,
        })),
      ),
    async close() {
      closing.abort();
      for (const { timer } of wanted.values()) clearTimeout(timer);
      await file.settled();
    },
  };
}

function newEntry([first]: readonly User[]): Wanted {
  return {
    source: keySource((first as User).rule) as KeySource,
    ...{ users: [], jwks: undefined, error: undefined, tries: 0, timer: undefined, attempt: 0 },
  };
}

function* everyUser(objects: Iterable<MeshObject>): Generator<User> {
  for (const object of objects) {
    if (object.kind !== "RequestAuthentication") continue;
    const policy = object as MeshObject<RequestAuthentication>;
    for (const [index, rule] of (policy.spec.jwtRules ?? []).entries())
      yield { policy, rule, index };
  }
}

function nameOf(rule: JWTRule): string | undefined {
  const source = keySource(rule);
  return source && keySourceName(source);
}

/** The longest that a rule gives them. */
function timeoutOf({ users }: Wanted): number {
  const given = users.map(({ rule }) =>
    rule.timeout === undefined ? TIMEOUT.usual : parseDuration(rule.timeout),
  );
  return Math.min(Math.max(...given), TIMEOUT.most);
}

function diagnosticOf(
  { policy, rule, index }: User,
  { code, message, remedy }: JwksError,
  jwks: string | undefined,
): Diagnostic {
  const meanwhile =
    jwks === undefined
      ? "tokens of this issuer are refused"
      : "the keys that were fetched before go on";
  return {
    code,
    level: jwks === undefined ? "Error" : "Warning",
    message: `${message}; ${meanwhile}`,
    origin: originOf(policy),
    path: `spec.jwtRules[${index}].${rule.jwksUri ? "jwksUri" : "issuer"}`,
    remedy,
  };
}
