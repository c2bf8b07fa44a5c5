/** Ingresses by the host that their rules are for, and the IngressClasses that are the default one. */
import {
  byAge,
  compareText,
  type Ingress,
  type IngressClass,
  isDefaultIngressClass,
  type MeshObject,
} from "@heddle/model";
import type { Claims } from "../engine/claims.ts";
import type { ModelIndex } from "./index-of.ts";
import { Multimap } from "./multimap.ts";
import { Tracked } from "./tracked.ts";

/** The host of rules that name none, and of default backends. */
export const ANY_HOST = "*";
const ALL = "";

type IngressObject = MeshObject<Ingress>;

export class Ingresses implements ModelIndex {
  readonly kinds = ["networking.k8s.io/Ingress", "networking.k8s.io/IngressClass"];
  readonly #byHost = new Multimap<IngressObject>(byAge);
  readonly #all = new Multimap<IngressObject>(byAge);
  readonly #hosts = new Map<string, number>();
  readonly #defaults = new Multimap<MeshObject<IngressClass>>(byAge);
  readonly #forHost: Tracked<readonly IngressObject[]>;
  readonly #everything: Tracked<readonly IngressObject[]>;
  readonly #hostList: Tracked<readonly string[]>;
  readonly #defaultClasses: Tracked<readonly MeshObject<IngressClass>[]>;

  constructor(claims: Claims) {
    this.#forHost = new Tracked(claims, "model/ingresses-of-host", (host) =>
      this.#byHost.get(host),
    );
    this.#everything = new Tracked(claims, "model/ingresses", () => this.#all.get(ALL));
    this.#hostList = new Tracked(claims, "model/ingress-hosts", () =>
      [...this.#hosts.keys()].toSorted(compareText),
    );
    this.#defaultClasses = new Tracked(claims, "model/default-ingress-classes", () =>
      this.#defaults.get(ALL),
    );
  }

  /** Of any class, oldest first. */
  forHost(host: string): readonly IngressObject[] {
    return this.#forHost.read(host);
  }

  /** Of any class, oldest first. */
  all(): readonly IngressObject[] {
    return this.#everything.read(ALL);
  }

  /** Hosts that any of them has rules for, sorted. */
  hosts(): readonly string[] {
    return this.#hostList.read(ALL);
  }

  defaultClasses(): readonly MeshObject<IngressClass>[] {
    return this.#defaultClasses.read(ALL);
  }

  change(before: MeshObject | undefined, after: MeshObject | undefined): void {
    if (before !== undefined) this.#each(before, "remove");
    if (after !== undefined) this.#each(after, "add");
  }

  flush(): void {
    this.#forHost.flush();
    this.#everything.flush();
    this.#hostList.flush();
    this.#defaultClasses.flush();
  }

  #each(object: MeshObject, verb: "add" | "remove"): void {
    if (object.kind === "IngressClass") {
      const known = object as MeshObject<IngressClass>;
      if (!isDefaultIngressClass(known)) return;
      this.#defaults[verb](ALL, known);
      this.#defaultClasses.touch(ALL);
      return;
    }
    const ingress = object as IngressObject;
    this.#all[verb](ALL, ingress);
    this.#everything.touch(ALL);
    for (const host of hostsOf(ingress)) {
      this.#byHost[verb](host, ingress);
      this.#forHost.touch(host);
      const readers = (this.#hosts.get(host) ?? 0) + (verb === "add" ? 1 : -1);
      if (readers > 0) this.#hosts.set(host, readers);
      else this.#hosts.delete(host);
      this.#hostList.touch(ALL);
    }
  }
}

function hostsOf({ spec }: IngressObject): ReadonlySet<string> {
  const hosts = (spec.rules ?? []).map(({ host }) => host?.toLowerCase() || ANY_HOST);
  return new Set(spec.defaultBackend ? [...hosts, ANY_HOST] : hosts);
}
