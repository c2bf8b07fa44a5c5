/** Workloads that are no Pods, each with what its group says for all of its kind. */
import {
  byAge,
  groupOfEntry,
  type MeshObject,
  withGroup,
  type WorkloadEntry,
  type WorkloadGroup,
} from "@heddle/model";
import { Multimap } from "./multimap.ts";

type Entry = MeshObject<WorkloadEntry>;
type Group = MeshObject<WorkloadGroup>;
type EntryListener = (before: Entry | undefined, after: Entry | undefined) => void;

/** Plain data; who answers from it is told of every change. Entries and groups are named `namespace/name`. */
export class WorkloadEntries {
  /** As they were written. */
  readonly #written = new Map<string, Entry>();
  readonly #complete = new Map<string, Entry>();
  readonly #groups = new Map<string, Group>();
  readonly #members = new Multimap<string>((a, b) => (a < b ? -1 : 1));
  readonly #byNamespace = new Multimap<Entry>(byAge);
  readonly #byAddress = new Multimap<Entry>(byAge);
  readonly #onChange: EntryListener;

  constructor(onChange: EntryListener) {
    this.#onChange = onChange;
  }

  /** Oldest first. */
  inNamespace(namespace: string): readonly Entry[] {
    return this.#byNamespace.get(namespace);
  }

  /** The oldest entry with an address. */
  at(address: string): Entry | undefined {
    return this.#byAddress.get(address)[0];
  }

  named(name: string): Entry | undefined {
    return this.#complete.get(name);
  }

  changeEntry(before: Entry | undefined, after: Entry | undefined): void {
    const name = nameOf((after ?? before) as Entry);
    const groupBefore = before && groupName(before);
    const groupAfter = after && groupName(after);
    if (groupBefore !== undefined) this.#members.remove(groupBefore, name);
    if (groupAfter !== undefined) this.#members.add(groupAfter, name);
    if (after === undefined) this.#written.delete(name);
    else this.#written.set(name, after);
    this.#refile(name);
  }

  changeGroup(before: Group | undefined, after: Group | undefined): void {
    const name = nameOf((after ?? before) as Group);
    if (after === undefined) this.#groups.delete(name);
    else this.#groups.set(name, after);
    for (const member of this.#members.get(name)) this.#refile(member);
  }

  #refile(name: string): void {
    const written = this.#written.get(name);
    const group = written && groupName(written);
    const before = this.#complete.get(name);
    const after =
      written && withGroup(written, group === undefined ? undefined : this.#groups.get(group));
    for (const [entry, verb] of [
      [before, "remove"],
      [after, "add"],
    ] as const) {
      if (entry === undefined) continue;
      this.#byNamespace[verb](entry.metadata.namespace, entry);
      if (entry.spec.address) this.#byAddress[verb](entry.spec.address, entry);
    }
    if (after === undefined) this.#complete.delete(name);
    else this.#complete.set(name, after);
    this.#onChange(before, after);
  }
}

function nameOf({ metadata }: MeshObject<unknown>): string {
  return `${metadata.namespace}/${metadata.name}`;
}

function groupName(entry: Entry): string | undefined {
  const group = groupOfEntry(entry);
  return group === undefined ? undefined : `${entry.metadata.namespace}/${group}`;
}
