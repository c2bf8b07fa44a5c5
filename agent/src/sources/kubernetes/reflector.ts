/** Follows all objects of one kind: lists them, watches from there, and begins again where the watch's place is lost. */
import { setImmediate, setTimeout as sleep } from "node:timers/promises";
import { backoff } from "@heddle/sync";
import { ApiFailure } from "../../kubernetes/api-failure.ts";
import type { Query } from "../../kubernetes/request.ts";
import type { ApiServer } from "./api.ts";

/** An object as the API server sends it. */
export interface RawObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly resourceVersion?: string;
    readonly [field: string]: unknown;
  };
  readonly [field: string]: unknown;
}

export interface ReflectorTarget {
  put(object: RawObject): void;
  remove(object: RawObject): void;
  /** All were listed: whatever has another name (`nameOf`) is gone. */
  only(names: ReadonlySet<string>): void;
}

export interface ReflectorState {
  /** They were listed once: what is held is whole, if perhaps old. */
  readonly listed: boolean;
  /** Why it does not follow now; undefined while it does. */
  readonly failure: ApiFailure | undefined;
  /** When that was, on `performance`'s clock. */
  readonly failedAt: number;
  /** Attempts that failed one after the other in the same way: nobody there, not allowed, or another answer. */
  readonly attempts: number;
}

export interface Reflector {
  state(): ReflectorState;
  close(): Promise<void>;
}

export interface ReflectorOptions {
  readonly api: ApiServer;
  /** Of the list. */
  readonly path: string;
  readonly query?: Query;
  /** Only metadata is sent. */
  readonly metadataOnly?: boolean;
  readonly target: ReflectorTarget;
  /** The state is another one. */
  readonly changed: () => void;
  readonly random?: () => number;
  /** A watch that is silent so long has lost its other end, milliseconds. */
  readonly silence?: number;
}

/** Objects in one answer to a list. */
const PAGE = 500;
/** Others get a turn after so many objects. */
const SLICE = 50;
/** The server ends a watch after so long, seconds, and up to twice that: not all watches at one time. */
const WATCH_SECONDS = 240;
/** Bookmarks come every minute, so a watch that is silent for longer has lost its other end. Milliseconds. */
const SILENCE = 150_000;
/** A watch that ends sooner without an event has failed, milliseconds. */
const AT_ONCE = 1_000;
/** After so many failed watches the place is given up and all is listed: some servers close without saying that it expired. */
const LOST_AFTER = 3;
/** Not allowed, busy, or not up yet: what the server knew of a place it still knows. Any other answer says that it does not. */
const KEEPS_PLACE: ReadonlySet<number> = new Set([401, 403, 429, 503]);
/** At most what a server may ask to wait, milliseconds. */
const LONGEST_WAIT = 30_000;

const METADATA = (list: boolean) =>
  `application/json;as=PartialObjectMetadata${list ? "List" : ""};g=meta.k8s.io;v=v1`;

export const nameOf = ({ metadata: { namespace = "", name } }: RawObject): string =>
  `${namespace}/${name}`;

export function startReflector(options: ReflectorOptions): Reflector {
  const { api, path, query = {}, metadataOnly = false, target, changed } = options;
  const { random = Math.random, silence = SILENCE } = options;
  const closing = new AbortController();
  const { signal } = closing;
  let followed = performance.now();
  let listed = false;
  let failure: ApiFailure | undefined;
  let failedAt = 0;
  let way: Way | undefined;
  let attempts = 0;
  /** Watches that failed from this place on. */
  let lost = 0;
  /** Where to watch from; undefined: all is to be listed. */
  let version: string | undefined;

  const list = async () => {
    const names = new Set<string>();
    let page: string | undefined;
    let at = "";
    do {
      const ask = { signal, ...(metadataOnly ? { accept: METADATA(true) } : {}) };
      const answer = await api.get(path, { ...query, limit: PAGE, continue: page }, ask);
      const { items, metadata } = answer as List;
      for (const [index, item] of (items ?? []).entries()) {
        target.put(item);
        names.add(nameOf(item));
        if (index % SLICE === SLICE - 1) await setImmediate();
        if (signal.aborted) return;
      }
      page = metadata.continue || undefined;
      at = metadata.resourceVersion;
    } while (page !== undefined);
    if (signal.aborted) return;
    target.only(names);
    version = at;
    lost = 0;
    listed = true;
    changed();
  };
  const follows = () => {
    followed = performance.now();
    [attempts, lost, way] = [0, 0, undefined];
  };
  const watch = async () => {
    const began = performance.now();
    let events = 0;
    const lines = api.lines(
      path,
      {
        ...query,
        watch: "true",
        allowWatchBookmarks: "true",
        resourceVersion: version,
        timeoutSeconds: Math.round(WATCH_SECONDS * (1 + random())),
      },
      {
        ...{ signal, silence },
        ...(metadataOnly ? { accept: METADATA(false) } : {}),
        opened() {
          if (failure === undefined) return;
          failure = undefined;
          changed();
        },
      },
    );
    for await (const line of lines) {
      if (signal.aborted) return;
      version = take(line, target) ?? version;
      if (events++ === 0) follows();
    }
    if (events === 0 && performance.now() - began < AT_ONCE)
      throw new ApiFailure("the watch ended at once");
    follows();
  };
  const failed = async (error: unknown) => {
    failure = ApiFailure.of(error);
    failedAt = performance.now();
    const before = way;
    way = wayOf(failure);
    attempts = way === before ? attempts + 1 : 1;
    const { status, retryAfter } = failure;
    if (way === "broken" && ++lost >= LOST_AFTER) version = undefined;
    if (status !== undefined && !KEEPS_PLACE.has(status)) version = undefined;
    changed();
    const lasted = failedAt - followed;
    const own = backoff({ attempts: attempts - 1, lasted, refused: way === "refused" }, random());
    await sleep(Math.max(own, Math.min(retryAfter, LONGEST_WAIT)), undefined, { signal });
  };
  const run = async () => {
    while (!signal.aborted) {
      try {
        if (version === undefined) await list();
        else await watch();
      } catch (error) {
        if (!signal.aborted) await failed(error).catch(() => {});
      }
    }
  };
  const running = run();
  return {
    state: () => ({ listed, failure, failedAt, attempts }),
    async close() {
      closing.abort();
      await running;
    },
  };
}

const UNREACHABLE: ReadonlySet<unknown> = new Set([
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ETIMEDOUT",
]);

type Way = "away" | "broken" | "refused" | "answered";

function wayOf({ status, refused, cause }: ApiFailure): Way {
  if (refused) return "refused";
  if (status !== undefined) return "answered";
  return UNREACHABLE.has((cause as { code?: unknown } | undefined)?.code) ? "away" : "broken";
}

interface List {
  readonly items?: readonly RawObject[];
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
}

interface Event {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  readonly object: RawObject & { message?: string; code?: number; reason?: string };
}

/** Takes one event and answers with the version that it stands for. */
function take(line: string, target: ReflectorTarget): string | undefined {
  const { type, object } = JSON.parse(line) as Event;
  if (type === "ERROR") {
    const { message = "the watch failed", code = 500, reason = "" } = object;
    throw new ApiFailure(message, code, reason);
  }
  if (type === "DELETED") target.remove(object);
  else if (type !== "BOOKMARK") target.put(object);
  return object.metadata.resourceVersion;
}
