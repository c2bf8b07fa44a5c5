/** Clusters that a proxy's routes name and that it does not have, though there is a service, and a subset, for them. */
import type { MeshObject } from "@heddle/model";
import type { ProxyView } from "../index.ts";

/** `objects` are all that the mesh has. A rule may name a subset or a service that nobody has: then it is the rule that dangles. */
export function danglingRoutes(view: ProxyView, objects: readonly MeshObject[]): readonly string[] {
  const held = view.resources("cluster");
  return [...clustersNamed(view.resources("route"))].filter((cluster) => {
    const [, port = "", subset = "", host = ""] = cluster.split("|");
    if (!isServed(objects, host, Number(port))) return false;
    if (subset !== "" && !hasSubset(objects, host, subset)) return false;
    return !held.has(cluster);
  });
}

function clustersNamed(routes: ReadonlyMap<string, unknown>): Set<string> {
  const text = JSON.stringify([...routes.values()]);
  return new Set([...text.matchAll(/"(outbound\|\d+\|[^"]*)"/g)].map(([, found]) => found ?? ""));
}

/** By a service that everybody sees. */
function isServed(objects: readonly MeshObject[], host: string, port: number): boolean {
  if (objects.some(isOtherDomain)) return false;
  return objects.some(({ kind, metadata, spec }) => {
    if (kind !== "Service" || host !== `${metadata.name}.${metadata.namespace}.svc.cluster.local`) {
      return false;
    }
    const { ports } = spec as { ports: { port: number }[] };
    return (
      Object.keys(metadata.annotations).length === 0 && ports.some((each) => each.port === port)
    );
  });
}

/** By the one rule that there is, shown to everybody, in the service's own namespace. */
function hasSubset(objects: readonly MeshObject[], host: string, subset: string): boolean {
  const rules = objects.filter(({ kind }) => kind === "DestinationRule");
  const [rule] = rules;
  if (rule === undefined || rules.length > 1) return false;
  const spec = rule.spec as {
    host: string;
    exportTo?: string[];
    subsets: { name: string }[];
    workloadSelector?: object;
  };
  return (
    spec.workloadSelector === undefined &&
    host.split(".")[1] === rule.metadata.namespace &&
    (spec.host === host || `${spec.host}.${rule.metadata.namespace}.svc.cluster.local` === host) &&
    (spec.exportTo === undefined || spec.exportTo.includes("*")) &&
    spec.subsets.some(({ name }) => name === subset)
  );
}

/** Settings by which services have names that random rules do not use. */
function isOtherDomain({ kind, spec }: MeshObject): boolean {
  const { clusterDomain = "cluster.local" } = spec as { clusterDomain?: string };
  return kind === "MeshSettings" && clusterDomain !== "cluster.local";
}
