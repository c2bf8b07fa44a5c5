/** Reads and writes single objects of a cluster. What is to be followed is followed by `sources/kubernetes`. */
import type { ApiAccess } from "./access.ts";
import { ApiFailure } from "./api-failure.ts";
import { openRequest, parseAnswer, type Query, textOf } from "./request.ts";

/** The owner of fields that are applied. */
export const FIELD_MANAGER = "heddle-agent";
/** A request has so long, milliseconds, where none else is asked for. */
const TIMEOUT = 10_000;
/** Objects in one answer of a list. */
const PAGE = 500;

/** Where objects of a kind are: `{ apiVersion: "v1", plural: "secrets", namespace: "heddle-system" }`. */
export interface Place {
  readonly apiVersion: string;
  readonly plural: string;
  /** Absent for kinds without namespaces, and for a list over all of them. */
  readonly namespace?: string;
}

export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly [field: string]: unknown;
}

export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

/** `merge`: RFC 7386, null removes a field. `json`: RFC 6902, whose `test` operations make it conditional. */
export type Patch = { readonly merge: object } | { readonly json: readonly object[] };

export interface RemoveOptions {
  /** Only the object that has these: another one of the name is a conflict. */
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly propagationPolicy?: "Background" | "Foreground" | "Orphan";
}

/**
 * Every call rejects with `ApiFailure`, whose `missing`, `conflict`, `refused`, `invalid` and `unavailable` tell the cases
 * apart. Nothing is tried again here: who writes knows whether it still wants to. Every call takes `signal` to give it up.
 */
export interface KubernetesClient {
  /** The API server, for messages. */
  readonly address: string;
  get(place: Place, name: string, signal?: AbortSignal): Promise<KubernetesObject>;
  /** Undefined where there is no such object or kind. */
  find(place: Place, name: string, signal?: AbortSignal): Promise<KubernetesObject | undefined>;
  /** All, however many pages they take. Items of a list carry no `kind`. */
  list(
    place: Place,
    selectors?: { readonly labelSelector?: string; readonly fieldSelector?: string },
    signal?: AbortSignal,
  ): Promise<KubernetesObject[]>;
  create(place: Place, object: KubernetesObject, signal?: AbortSignal): Promise<KubernetesObject>;
  /** What would become of `create`, webhooks and all: nothing is made. */
  tryOut(place: Place, object: KubernetesObject, signal?: AbortSignal): Promise<KubernetesObject>;
  /** PUT. With `metadata.resourceVersion` it is a conflict where the object has changed since. */
  replace(place: Place, object: KubernetesObject, signal?: AbortSignal): Promise<KubernetesObject>;
  /** Server-side apply by `FIELD_MANAGER`: makes or changes; takes fields over from other managers. */
  apply(
    place: Place,
    object: KubernetesObject,
    options?: { readonly subresource?: "status"; readonly manager?: string },
    signal?: AbortSignal,
  ): Promise<KubernetesObject>;
  patch(
    place: Place,
    name: string,
    patch: Patch,
    options?: { readonly subresource?: "status" | "scale" },
    signal?: AbortSignal,
  ): Promise<KubernetesObject>;
  /** False where there was none. */
  remove(
    place: Place,
    name: string,
    options?: RemoveOptions,
    signal?: AbortSignal,
  ): Promise<boolean>;
  /** A document of the API server that is no object, such as the keys of its tokens. */
  read(path: string, signal?: AbortSignal): Promise<unknown>;
  /** What is no JSON, such as a container's log. */
  readText(path: string, query?: Query, signal?: AbortSignal): Promise<string>;
  /** Asks a review, `tokenreviews` or `subjectaccessreviews`, or anything else at a path of its own. */
  post(path: string, body: object, signal?: AbortSignal): Promise<unknown>;
}

const MANAGED: Query = { fieldManager: FIELD_MANAGER };

interface Asked {
  readonly path: string;
  readonly query?: Query;
  readonly body?: { readonly type: string; readonly text: string };
  readonly accept?: string;
}

/** `timeout`: milliseconds for a request as a whole. */
export function createKubernetesClient(
  access: ApiAccess,
  { timeout = TIMEOUT }: { readonly timeout?: number } = {},
): KubernetesClient {
  const send = async (method: string, asked: Asked, signal?: AbortSignal): Promise<unknown> =>
    parseAnswer(await answerTo(method, asked, signal));
  const answerTo = async (method: string, asked: Asked, signal?: AbortSignal): Promise<string> => {
    const limit = AbortSignal.timeout(timeout);
    const ends = signal ? AbortSignal.any([signal, limit]) : limit;
    try {
      const ask = { ...asked, method, signal: ends, silence: timeout };
      return await textOf(await openRequest(access, ask));
    } catch (error) {
      if (signal?.aborted || !limit.aborted) throw error;
      throw new ApiFailure(`no answer within ${timeout / 1000} s`, undefined, "", 0, error);
    }
  };
  const write = async (method: string, asked: Asked, signal?: AbortSignal) =>
    (await send(method, asked, signal)) as KubernetesObject;
  const client: KubernetesClient = {
    address: access.server.origin,
    get: (place, name, signal) => write("GET", { path: pathOf(place, name) }, signal),
    async find(place, name, signal) {
      try {
        return await client.get(place, name, signal);
      } catch (error) {
        if (error instanceof ApiFailure && error.missing) return undefined;
        throw error;
      }
    },
    async list(place, selectors = {}, signal) {
      const all: KubernetesObject[] = [];
      let next: string | undefined;
      do {
        const query = { ...selectors, limit: PAGE, continue: next };
        const page = (await send("GET", { path: pathOf(place), query }, signal)) as ListPage;
        all.push(...(page.items ?? []));
        next = page.metadata.continue;
      } while (next);
      return all;
    },
    create: (place, object, signal) =>
      write("POST", { path: pathOf(place), query: MANAGED, body: json(object) }, signal),
    tryOut: (place, object, signal) =>
      write(
        "POST",
        { path: pathOf(place), query: { ...MANAGED, dryRun: "All" }, body: json(object) },
        signal,
      ),
    replace: (place, object, signal) =>
      write(
        "PUT",
        { path: pathOf(place, object.metadata.name), query: MANAGED, body: json(object) },
        signal,
      ),
    apply(place, object, { subresource, manager = FIELD_MANAGER } = {}, signal) {
      const path = pathOf(place, object.metadata.name, subresource);
      const query = { fieldManager: manager, force: "true" };
      const body = json(object, "application/apply-patch+yaml");
      return write("PATCH", { path, query, body }, signal);
    },
    patch(place, name, patch, { subresource } = {}, signal) {
      const path = pathOf(place, name, subresource);
      const body =
        "merge" in patch
          ? json(patch.merge, "application/merge-patch+json")
          : json(patch.json, "application/json-patch+json");
      return write("PATCH", { path, query: MANAGED, body }, signal);
    },
    async remove(place, name, options = {}, signal) {
      const body = json({ apiVersion: "v1", kind: "DeleteOptions", ...options });
      try {
        await send("DELETE", { path: pathOf(place, name), body }, signal);
        return true;
      } catch (error) {
        if (error instanceof ApiFailure && error.missing) return false;
        throw error;
      }
    },
    // Not all that is JSON is called so: keys have a media type of their own.
    read: (path, signal) => send("GET", { path, accept: "*/*" }, signal),
    readText: (path, query = {}, signal) => answerTo("GET", { path, query, accept: "*/*" }, signal),
    post: (path, body, signal) => send("POST", { path, body: json(body) }, signal),
  };
  return client;
}

interface ListPage {
  readonly metadata: { readonly continue?: string };
  readonly items: readonly KubernetesObject[] | null;
}

function pathOf({ apiVersion, plural, namespace }: Place, name?: string, subresource?: string) {
  const parts = [
    apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`,
    namespace === undefined ? undefined : `namespaces/${encodeURIComponent(namespace)}`,
    plural,
    name === undefined ? undefined : encodeURIComponent(name),
    subresource,
  ];
  return parts.filter((part) => part !== undefined).join("/");
}

function json(value: object, type = "application/json") {
  return { type, text: JSON.stringify(value) };
}
