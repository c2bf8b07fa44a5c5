/** What each namespace's workloads take of their clients, as their agents say, beside how requests came to them. */

import type { NamespaceMutualTls } from "@heddle/client";
import type { Arrivals, UnprovenCaller } from "../telemetry-store.ts";
import type { RegisteredWorkload } from "./registry.ts";

/** Workloads of the registry and workloads that were called, by namespace; all sorted by name, callers as they come. */
export function byNamespace(
  registered: readonly RegisteredWorkload[],
  arrivals: readonly Arrivals[],
  callers: readonly UnprovenCaller[],
): NamespaceMutualTls[] {
  const known = Map.groupBy(registered, ({ namespace }) => namespace);
  const called = Map.groupBy(arrivals, ({ namespace }) => namespace);
  const unproven = Map.groupBy(callers, ({ destination }) => destination.namespace);
  const namespaces = [...new Set([...known.keys(), ...called.keys()])].filter(
    (name) => name !== "",
  );
  return namespaces.toSorted().map((namespace) => ({
    namespace,
    workloads: workloadsOf(known.get(namespace) ?? [], called.get(namespace) ?? []),
    callers: (unproven.get(namespace) ?? []).map(({ source, lastSeen, ...caller }) => ({
      ...caller,
      source: source.name === "" ? null : source,
      lastSeen: new Date(lastSeen).toISOString(),
    })),
  }));
}

function workloadsOf(
  registered: readonly RegisteredWorkload[],
  arrivals: readonly Arrivals[],
): NamespaceMutualTls["workloads"] {
  const known = new Map(registered.map((one) => [one.name, one]));
  const called = new Map(arrivals.map((one) => [one.name, one]));
  return [...new Set([...known.keys(), ...called.keys()])].toSorted().map((name) => {
    const mtls = known.get(name)?.mtls;
    const { requests = 0, plaintext = 0 } = called.get(name) ?? {};
    return { name, mode: mtls?.mode ?? null, ports: mtls?.ports ?? {}, requests, plaintext };
  });
}
