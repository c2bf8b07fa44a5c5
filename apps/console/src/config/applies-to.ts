/** Which configuration objects apply to a service: they name its host, select its workloads, or hold for its namespace or the mesh. */
import type { StoredObject } from "@heddle/client";

export interface Named {
  host: string;
  name: string;
  namespace: string;
  /** App labels of its workloads. */
  apps?: readonly string[];
}

/** The objects that apply, with the reason in words; the nearest come first. */
export function objectsFor(
  service: Named,
  objects: readonly StoredObject[],
  rootNamespace = "istio-system",
): { object: StoredObject; why: string }[] {
  return objects
    .flatMap((object) => {
      const found = whyApplies(service, object, rootNamespace);
      return found ? [{ object, ...found }] : [];
    })
    .sort(
      (one, other) => one.distance - other.distance || (one.object.key < other.object.key ? -1 : 1),
    )
    .map(({ object, why }) => ({ object, why }));
}

function whyApplies(
  service: Named,
  object: StoredObject,
  rootNamespace: string,
): { why: string; distance: number } | undefined {
  const { namespace } = object.metadata;
  const hosts = hostsNamed(object);
  if (hosts.some((host) => sameHost(host, namespace, service)))
    return { why: "names this service", distance: 0 };
  if (!selecting.has(object.kind)) return undefined;
  const labels = selectorOf(object.spec);
  if (labels && namespace === service.namespace) {
    const app = labels["app"] ?? labels["app.kubernetes.io/name"];
    return typeof app === "string" && (app === service.name || service.apps?.includes(app))
      ? { why: "selects its workloads", distance: 1 }
      : undefined;
  }
  if (labels) return undefined;
  if (namespace === service.namespace) return { why: "holds for its namespace", distance: 2 };
  return namespace === rootNamespace ? { why: "holds for the whole mesh", distance: 3 } : undefined;
}

/** Kinds that choose workloads rather than name a host. */
const selecting = new Set([
  "PeerAuthentication",
  "AuthorizationPolicy",
  "RequestAuthentication",
  "Telemetry",
  "EnvoyFilter",
  "WasmPlugin",
  "Sidecar",
]);

/** Hosts that an object is about or sends to. */
export function hostsNamed({ kind, spec }: Pick<StoredObject, "kind" | "spec">): string[] {
  const fields = asRecord(spec);
  if (kind === "DestinationRule") return typeof fields["host"] === "string" ? [fields["host"]] : [];
  if (kind !== "VirtualService" && kind !== "ServiceEntry") return [];
  const found = new Set(
    Array.isArray(fields["hosts"])
      ? fields["hosts"].filter((host): host is string => typeof host === "string")
      : [],
  );
  collectDestinations(fields, found);
  return [...found];
}

function collectDestinations(value: unknown, found: Set<string>): void {
  if (Array.isArray(value)) for (const item of value) collectDestinations(item, found);
  else if (value !== null && typeof value === "object") {
    for (const [name, inner] of Object.entries(value)) {
      const host =
        name === "destination" || name === "mirror" ? asRecord(inner)["host"] : undefined;
      if (typeof host === "string") found.add(host);
      collectDestinations(inner, found);
    }
  }
}

/** A short host is read in the object's own namespace; `*` names nobody in particular. */
function sameHost(host: string, namespace: string, service: Named): boolean {
  if (host === service.host) return true;
  if (!host.includes(".")) return host === service.name && namespace === service.namespace;
  return (
    host === `${service.name}.${service.namespace}` ||
    host === `${service.name}.${service.namespace}.svc`
  );
}

function selectorOf(spec: unknown): Record<string, unknown> | undefined {
  const selector = asRecord(asRecord(spec)["selector"] ?? asRecord(spec)["workloadSelector"]);
  const labels = asRecord(selector["matchLabels"] ?? selector["labels"]);
  return Object.keys(labels).length > 0 ? labels : undefined;
}

function asRecord(value: unknown): Record<string, unknown> {
  return value !== null && typeof value === "object" && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
}
