/** Which of the kinds that others define the cluster has, and in which version each is read. */
import type { ApiServer } from "./api.ts";
import { apiVersionOf, resourceName, type WatchedKind } from "./watched.ts";

export interface Discovered {
  /** Of each kind that is there the version to read. */
  readonly served: ReadonlyMap<WatchedKind, string>;
  /** Kinds that are there in versions alone that cannot be read. */
  readonly strange: readonly { readonly kind: WatchedKind; readonly versions: readonly string[] }[];
}

interface Groups {
  readonly groups: readonly {
    readonly name: string;
    readonly versions: readonly { readonly version: string }[];
  }[];
}

interface Resources {
  readonly resources: readonly { readonly name: string; readonly verbs: readonly string[] }[];
}

/** Asks the API server. Rejects with `ApiFailure`, also where only a part is not to be had: half an answer looks like kinds that are gone. */
export async function discover(
  api: ApiServer,
  kinds: readonly WatchedKind[],
  signal: AbortSignal,
): Promise<Discovered> {
  const { groups } = (await api.get("/apis", {}, { signal })) as Groups;
  const wanted = new Set(kinds.map(({ group }) => group));
  /** `group/version/plural`. */
  const found = new Set<string>();
  for (const { name: group, versions } of groups.filter(({ name }) => wanted.has(name))) {
    for (const { version } of versions) {
      const place = apiVersionOf({ group }, version);
      const { resources } = (await api.get(`/apis/${place}`, {}, { signal })) as Resources;
      for (const { name, verbs } of resources)
        if (verbs.includes("watch")) found.add(`${place}/${name}`);
    }
  }
  const served = new Map<WatchedKind, string>();
  const strange: Discovered["strange"][number][] = [];
  for (const kind of kinds) {
    const is = (version: string) => found.has(`${apiVersionOf(kind, version)}/${kind.plural}`);
    const best = kind.versions.find(is);
    if (best !== undefined) {
      served.set(kind, best);
      continue;
    }
    const group = groups.find(({ name }) => name === kind.group);
    const versions = (group?.versions ?? []).map(({ version }) => version).filter(is);
    if (versions.length > 0) strange.push({ kind, versions });
  }
  return { served, strange };
}

/** What a message says of a kind that is there in other versions. */
export function strangeVersions({ kind, versions }: Discovered["strange"][number]): string {
  return `the cluster has ${resourceName(kind)} in ${versions.join(", ")}, and none of these can be read: ${kind.versions.join(", ")} can`;
}
