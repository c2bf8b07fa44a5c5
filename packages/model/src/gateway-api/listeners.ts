/** The listeners of a Gateway, with those that ListenerSets add, and what keeps each of them from being served. */
import type * as GatewayApi from "../kinds/gateway-api/index.ts";
import { groupOf } from "../object.ts";
import type { MeshObject } from "../object.ts";
import { ourGateway } from "./gateway-class.ts";
import { selectorMatches } from "./label-selector.ts";
import { tlsOptionsOf, tlsOptionsProblem } from "./tls-options.ts";
import { GATEWAY_API, type GatewayApiReader, type RouteKind } from "./reader.ts";
import {
  type AuthorityReason,
  type CertificateReason,
  isBroken,
  type ObjectName,
  resolveAuthority,
  resolveCertificate,
} from "./references.ts";

export type ListenerProtocol = "HTTP" | "HTTPS" | "TLS" | "TCP" | "UDP";

export interface ListenerProblem {
  readonly condition: "Accepted" | "Conflicted" | "ResolvedRefs";
  readonly reason:
    | "UnsupportedProtocol"
    | "UnsupportedValue"
    | "PortUnavailable"
    | "NoValidCACertificate"
    | "HostnameConflict"
    | "ProtocolConflict"
    | "InvalidRouteKinds"
    | CertificateReason
    | AuthorityReason;
  readonly message: string;
  /** Of a conflict, whose the other listener is. */
  readonly rival?: MeshObject;
}

export interface ListenerEntry {
  /** The Gateway, or the ListenerSet that adds it. */
  readonly owner: MeshObject<GatewayApi.Gateway | GatewayApi.ListenerSet>;
  /** `namespace/name` of the Gateway. */
  readonly gateway: string;
  readonly index: number;
  readonly listener: GatewayApi.Listener;
  /** Undefined for protocols that are not served. */
  readonly protocol: ListenerProtocol | undefined;
  readonly port: number;
  /** Kinds of routes that may attach; empty where none of those asked for can. */
  readonly kinds: readonly RouteKind[];
  /** Certificates that are there, in order. */
  readonly certificates: readonly ObjectName[];
  /** Asked of clients; undefined where they are not asked. */
  readonly clients?: ListenerClients;
  readonly problems: readonly ListenerProblem[];
  /** Whether a proxy listens for it. */
  readonly served: boolean;
}

export interface ListenerClients {
  /** PEM of authorities, one after the other. */
  readonly authorities: string;
  readonly mode: NonNullable<GatewayApi.FrontendValidation["mode"]>;
}

const KINDS_OF: Readonly<Record<ListenerProtocol, readonly RouteKind[]>> = {
  HTTP: ["HTTPRoute", "GRPCRoute"],
  HTTPS: ["HTTPRoute", "GRPCRoute"],
  TLS: ["TLSRoute"],
  TCP: ["TCPRoute"],
  UDP: ["UDPRoute"],
};

/** Of a Gateway `namespace/name` that is ours: its own first, then those of its ListenerSets, oldest first. */
export function listenersOf(read: GatewayApiReader, gateway: string): readonly ListenerEntry[] {
  const object = ourGateway(read, gateway);
  if (object === undefined) return [];
  const sets = allowedListenerSets(read, object, gateway);
  const drafts = [object, ...sets].flatMap((owner) =>
    owner.spec.listeners.map((listener, index) => draft(read, object, owner, listener, index)),
  );
  const conflicts = conflictsOf(drafts);
  return drafts.map((entry): ListenerEntry => {
    const conflict = conflicts.get(entry);
    const problems = conflict ? [...entry.problems, conflict] : entry.problems;
    return { ...entry, gateway, problems, served: isServed(entry, problems) };
  });
}

/** ListenerSets that the Gateway lets in, oldest first. */
export function allowedListenerSets(
  read: GatewayApiReader,
  gateway: MeshObject<GatewayApi.Gateway>,
  name: string,
): readonly MeshObject<GatewayApi.ListenerSet>[] {
  return read.listenerSets(name).filter((set) => isListenerSetAllowed(read, gateway, set));
}

export function isListenerSetAllowed(
  read: Pick<GatewayApiReader, "object">,
  gateway: MeshObject<GatewayApi.Gateway>,
  set: MeshObject<GatewayApi.ListenerSet>,
): boolean {
  const { from = "None", selector } = gateway.spec.allowedListeners?.namespaces ?? {};
  if (from === "None") return false;
  return isNamespaceAllowed(
    read,
    from,
    selector,
    gateway.metadata.namespace,
    set.metadata.namespace,
  );
}

/** Whether objects of a namespace may attach; a Namespace that nobody knows has only its name as label. */
export function isNamespaceAllowed(
  read: Pick<GatewayApiReader, "object">,
  from: "All" | "Selector" | "Same",
  selector: GatewayApi.LabelSelector | undefined,
  own: string,
  other: string,
): boolean {
  switch (from) {
    case "All":
      return true;
    case "Same":
      return own === other;
    case "Selector": {
      const labels = read.object(`core/Namespace/-/${other}`)?.metadata.labels ?? {};
      return selectorMatches(selector, { ...labels, "kubernetes.io/metadata.name": other });
    }
  }
}

type Draft = Omit<ListenerEntry, "gateway" | "served">;

function draft(
  read: GatewayApiReader,
  gateway: MeshObject<GatewayApi.Gateway>,
  owner: ListenerEntry["owner"],
  listener: GatewayApi.Listener,
  index: number,
): Draft {
  const problems: ListenerProblem[] = [];
  const protocol = protocolOf(listener.protocol);
  const port = listener.port ?? 0;
  if (protocol === undefined) {
    problems.push({
      condition: "Accepted",
      reason: "UnsupportedProtocol",
      message: `protocol ${listener.protocol} is not served: HTTP, HTTPS, TLS, TCP and UDP are`,
    });
  }
  if (port === 0) {
    problems.push({
      condition: "Accepted",
      reason: "PortUnavailable",
      message: "a listener without a port cannot be served",
    });
  }
  const option = tlsOptionsProblem(listener);
  if (option !== undefined) {
    problems.push({ condition: "Accepted", reason: "UnsupportedValue", message: option });
  }
  const kinds = kindsOf(listener, protocol, problems);
  const certificates = certificatesOf(read, owner, listener, problems);
  const clients = protocol === "HTTPS" ? clientsOf(read, gateway, port, problems) : undefined;
  return {
    owner,
    index,
    listener,
    protocol,
    port,
    kinds,
    certificates,
    ...(clients ? { clients } : {}),
    problems,
  };
}

function protocolOf(name: string): ListenerProtocol | undefined {
  return Object.hasOwn(KINDS_OF, name) ? (name as ListenerProtocol) : undefined;
}

function kindsOf(
  { allowedRoutes }: GatewayApi.Listener,
  protocol: ListenerProtocol | undefined,
  problems: ListenerProblem[],
): readonly RouteKind[] {
  const possible = protocol ? KINDS_OF[protocol] : [];
  const asked = allowedRoutes?.kinds;
  if (asked === undefined || asked.length === 0) return possible;
  const wrong = asked.filter(
    ({ group = GATEWAY_API, kind }) =>
      group !== GATEWAY_API || !possible.includes(kind as RouteKind),
  );
  if (wrong.length > 0) {
    problems.push({
      condition: "ResolvedRefs",
      reason: "InvalidRouteKinds",
      message: `routes of kind ${wrong.map(({ kind }) => kind).join(", ")} cannot attach to a listener of this protocol`,
    });
  }
  return possible.filter((kind) =>
    asked.some((each) => (each.group ?? GATEWAY_API) === GATEWAY_API && each.kind === kind),
  );
}

function certificatesOf(
  read: GatewayApiReader,
  owner: ListenerEntry["owner"],
  { tls }: GatewayApi.Listener,
  problems: ListenerProblem[],
): readonly ObjectName[] {
  if (tls === undefined || tls.mode === "Passthrough") return [];
  const from = referrerOf(owner);
  return (tls.certificateRefs ?? []).flatMap((reference) => {
    const found = resolveCertificate(read, from, reference);
    if (!("reason" in found)) return [found];
    problems.push({ condition: "ResolvedRefs", ...found });
    return [];
  });
}

/** What the Gateway asks of clients on a port. Of several bundles those that are there count; without any, nobody gets in. */
function clientsOf(
  read: GatewayApiReader,
  gateway: MeshObject<GatewayApi.Gateway>,
  port: number,
  problems: ListenerProblem[],
): ListenerClients | undefined {
  const frontend = gateway.spec.tls?.frontend;
  const own = frontend?.perPort?.find((each) => each.port === port)?.tls;
  const validation = (own ?? frontend?.default)?.validation;
  if (validation === undefined) return undefined;
  const bundles: string[] = [];
  for (const reference of validation.caCertificateRefs) {
    const found = resolveAuthority(read, referrerOf(gateway), reference);
    if (isBroken(found)) problems.push({ condition: "ResolvedRefs", ...found } as ListenerProblem);
    else bundles.push(found.pem);
  }
  if (bundles.length === 0) {
    problems.push({
      condition: "Accepted",
      reason: "NoValidCACertificate",
      message: "none of the certificates of authorities for clients can be used",
    });
  }
  return { authorities: bundles.join("\n"), mode: validation.mode ?? "AllowValidOnly" };
}

/** An object as ReferenceGrants name it. */
export function referrerOf({
  apiVersion,
  kind,
  metadata,
}: Pick<MeshObject, "apiVersion" | "kind" | "metadata">) {
  return { group: groupOf(apiVersion), kind, namespace: metadata.namespace };
}

/** Protocols that can share a port, told apart by the server name. */
const LAYER: Readonly<Record<ListenerProtocol, string>> = {
  HTTP: "HTTP",
  HTTPS: "TLS",
  TLS: "TLS",
  TCP: "TCP",
  // Another port altogether.
  UDP: "UDP",
};

/**
 * Listeners that a connection cannot be told apart by. Within one Gateway or ListenerSet none of them is served; between a
 * Gateway and its ListenerSets, and between these, the first one is. One that lost takes nothing away from others.
 */
function conflictsOf(drafts: readonly Draft[]): ReadonlyMap<Draft, ListenerProblem> {
  const conflicts = new Map<Draft, ListenerProblem>();
  const byPort = Map.groupBy(
    drafts.filter(({ protocol, port }) => protocol !== undefined && port > 0),
    ({ port, protocol }) => `${port}/${protocol === "UDP" ? "UDP" : "TCP"}`,
  );
  for (const several of byPort.values()) {
    const served: Draft[] = [];
    for (const own of Map.groupBy(several, ({ owner }) => owner).values()) {
      const left = own.filter((entry) => !tellRival(conflicts, entry, served));
      for (const entry of left) {
        const others = left.filter((each) => each !== entry);
        tellRival(conflicts, entry, others);
      }
      served.push(...left.filter((entry) => !conflicts.has(entry)));
    }
  }
  return conflicts;
}

/** Whether one of the others cannot be told from it. */
function tellRival(
  conflicts: Map<Draft, ListenerProblem>,
  entry: Draft,
  others: readonly Draft[],
): boolean {
  for (const other of others) {
    const reason = conflictBetween(other, entry);
    if (reason === undefined) continue;
    conflicts.set(entry, problem(reason, entry, other));
    return true;
  }
  return false;
}

function conflictBetween(a: Draft, b: Draft): "HostnameConflict" | "ProtocolConflict" | undefined {
  if (a.protocol === undefined || b.protocol === undefined) return undefined;
  if (LAYER[a.protocol] !== LAYER[b.protocol]) return "ProtocolConflict";
  const sameHost = (a.listener.hostname ?? "") === (b.listener.hostname ?? "");
  return sameHost ? "HostnameConflict" : undefined;
}

/** Other listeners of the port that requests or connections are told apart from by a host, and that are served. */
export function rivalsOf(
  entry: ListenerEntry,
  all: readonly ListenerEntry[],
): readonly ListenerEntry[] {
  const { protocol, port } = entry;
  if (protocol === undefined) return [];
  return all.filter(
    (each) =>
      each !== entry &&
      each.served &&
      each.port === port &&
      each.protocol !== undefined &&
      LAYER[each.protocol] === LAYER[protocol],
  );
}

function problem(
  reason: "HostnameConflict" | "ProtocolConflict",
  { port }: Draft,
  other: Draft,
): ListenerProblem {
  return {
    condition: "Conflicted",
    reason,
    message: `listener ${other.listener.name} of ${other.owner.kind} ${other.owner.metadata.namespace}/${other.owner.metadata.name} has port ${port} as well, and nothing tells them apart`,
    rival: other.owner,
  };
}

/** A broken reference among several good ones is told, and the rest works. */
function isServed(
  { protocol, kinds, certificates, listener }: Draft,
  problems: readonly ListenerProblem[],
): boolean {
  if (protocol === undefined || kinds.length === 0) return false;
  if (problems.some(({ condition }) => condition !== "ResolvedRefs")) return false;
  if (protocol === "HTTPS" || (protocol === "TLS" && listener.tls?.mode !== "Passthrough")) {
    return certificates.length > 0 || tlsOptionsOf(listener).mode === "ISTIO_MUTUAL";
  }
  return true;
}
