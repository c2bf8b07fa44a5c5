/** Patches of clusters. */
import type { Cluster } from "@heddle/envoy/config/cluster/v3";
import type { Fields } from "./envoy-api.ts";
import { clusterMatches } from "./matching.ts";
import type { Patching } from "./patching.ts";

/** Undefined where a patch takes the cluster away; itself where none applies. */
export function patchCluster(patching: Patching, original: Cluster): Cluster | undefined {
  let cluster = original;
  for (const patch of patching.of("CLUSTER")) {
    if (patch.operation === "ADD" || !clusterMatches(patch, cluster)) continue;
    if (patch.operation === "REMOVE") return patching.note(patch, original, undefined);
    const { transportSocket, ...rest } = patch.value as Cluster;
    const matches = cluster.transportSocketMatches;
    if (transportSocket === undefined || matches === undefined || matches.length === 0) {
      cluster = patching.merged(patch, cluster);
      continue;
    }
    // Where each endpoint decides over TLS, Envoy takes no socket beside that: the patch is for the one of its name.
    cluster = patching.merged(patch, cluster, rest as Fields);
    const at = matches.findIndex((each) => each.transportSocket?.name === transportSocket.name);
    const found = matches[at];
    if (found?.transportSocket === undefined) continue;
    const socket = patching.merged(
      patch,
      { transportSocket: found.transportSocket } as Cluster,
      { transportSocket } as Fields,
    );
    cluster = {
      ...cluster,
      transportSocketMatches: matches.with(at, { ...found, ...socket }),
    };
  }
  return cluster;
}
