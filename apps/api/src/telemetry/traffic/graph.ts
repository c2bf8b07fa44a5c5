/** The mesh as it talks: nodes and edges from what both sides counted. */

import type { GraphEdge, GraphNode, GraphView } from "@heddle/client";
import { sameService } from "../same-service.ts";
import { hostOf } from "./services.ts";
import { flagsOf, goldenOf } from "./golden.ts";
import { clientSide, serverSide } from "./reporter.ts";
import { amountOf, known, type SeriesTotals } from "./series-totals.ts";

type Identity = Omit<GraphNode, "golden">;

/** `seconds` is the length of the range that the totals are of. */
export function graphOf(
  series: readonly SeriesTotals[],
  view: GraphView,
  seconds: number,
): { nodes: GraphNode[]; edges: GraphEdge[] } {
  const identities = new Map<string, Identity>();
  const remember = (identity: Identity) => {
    const before = identities.get(identity.id);
    if (!before) identities.set(identity.id, identity);
    else if (before.version === "" && identity.version !== "") before.version = identity.version;
    return identity.id;
  };
  const ends = new Map<SeriesTotals, { source: string; target: string }>();
  for (const one of series) {
    ends.set(one, { source: remember(sourceOf(one, view)), target: remember(targetOf(one, view)) });
  }
  const edgeKey = (one: SeriesTotals) => {
    const { source, target } = ends.get(one)!;
    return JSON.stringify([source, target, protocolOf(one)]);
  };
  const edges: GraphEdge[] = [];
  const secure = bySecurity(series, edgeKey);
  for (const [key, group] of clientSide(series, edgeKey)) {
    if (group.every((one) => amountOf(one) === 0)) continue;
    const [source, target, protocol] = JSON.parse(key) as [string, string, GraphEdge["protocol"]];
    edges.push({
      source,
      target,
      protocol,
      golden: goldenOf(group, seconds),
      mtls: secure.get(key) ?? 0,
      flags: flagsOf(group),
    });
  }
  const linked = new Set(edges.flatMap(({ source, target }) => [source, target]));
  const arrived = serverSide(series, (one) => ends.get(one)!.target);
  const sent = clientSide(series, (one) => ends.get(one)!.source);
  const nodes = [...identities.values()]
    .filter(({ id }) => linked.has(id))
    .map((identity): GraphNode => {
      const own = arrived.get(identity.id) ?? sent.get(identity.id) ?? [];
      return {
        ...identity,
        kind: kindOf(identity, arrived.has(identity.id)),
        golden: goldenOf(own, seconds),
      };
    });
  const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1);
  return {
    nodes: nodes.sort(byId),
    edges: edges.sort((a, b) => (a.source + a.target < b.source + b.target ? -1 : 1)),
  };
}

/** The series of a graph that is asked for in part: of one namespace, or into and out of one service and the workloads that serve it. */
export function touching(
  series: readonly SeriesTotals[],
  query: { namespace?: string; service?: string },
): readonly SeriesTotals[] {
  const { namespace, service } = query;
  const inNamespace = ({ labels }: SeriesTotals) =>
    namespace === undefined ||
    [
      labels.source_workload_namespace,
      labels.destination_workload_namespace,
      labels.destination_service_namespace,
    ].includes(namespace);
  if (service === undefined) return series.filter(inNamespace);
  const into = new Set(series.filter((one) => sameService(hostOf(one), service)));
  const servers = new Set(
    [...into].map(
      ({ labels }) => `${labels.destination_workload_namespace}/${labels.destination_workload}`,
    ),
  );
  const outOf = ({ labels }: SeriesTotals) =>
    known(labels.source_workload) !== "" &&
    (servers.has(`${labels.source_workload_namespace}/${labels.source_workload}`) ||
      sameService(
        `${labels.source_canonical_service}.${labels.source_workload_namespace}`,
        service,
      ));
  return series.filter((one) => inNamespace(one) && (into.has(one) || outOf(one)));
}

/** Id of a workload's node in the graph by workload. */
export function workloadId(namespace: string, name: string): string {
  return `workload:${namespace}/${name}`;
}

/** Share of an edge's requests over mutual TLS, which the server's side knows for certain; the client's is used where it stands alone. */
function bySecurity(
  series: readonly SeriesTotals[],
  keyOf: (one: SeriesTotals) => string,
): Map<string, number> {
  const shares = new Map<string, number>();
  for (const [key, group] of serverSide(series, keyOf)) {
    const told = group.filter(({ labels }) => known(labels.connection_security_policy) !== "");
    const total = told.reduce((sum, one) => sum + amountOf(one), 0);
    const secure = told.reduce(
      (sum, one) =>
        sum + (one.labels.connection_security_policy === "mutual_tls" ? amountOf(one) : 0),
      0,
    );
    shares.set(key, total > 0 ? secure / total : 0);
  }
  return shares;
}

function protocolOf({ labels }: SeriesTotals): GraphEdge["protocol"] {
  if (labels.request_protocol === "grpc") return "grpc";
  return labels.request_protocol === "tcp" ? "tcp" : "http";
}

function sourceOf({ labels }: SeriesTotals, view: GraphView): Identity {
  const name = known(labels.source_workload);
  const namespace = known(labels.source_workload_namespace);
  const app = known(labels.source_canonical_service) || known(labels.source_app);
  const version = known(labels.source_version) || known(labels.source_canonical_revision);
  if (name === "" && app === "") return unknownNode;
  if (view === "workload")
    return {
      id: workloadId(namespace, name || app),
      kind: "workload",
      namespace,
      name: name || app,
      app,
      version,
    };
  return {
    id: `${view}:${namespace}/${app || name}`,
    kind: view === "app" ? "workload" : "service",
    namespace,
    name: app || name,
    app,
    version: "",
  };
}

function targetOf(one: SeriesTotals, view: GraphView): Identity {
  const { labels } = one;
  const workload = known(labels.destination_workload);
  const namespace = known(labels.destination_workload_namespace);
  const app = known(labels.destination_canonical_service) || known(labels.destination_app);
  const version = known(labels.destination_version) || known(labels.destination_canonical_revision);
  if (view === "workload" && workload !== "")
    return {
      id: workloadId(namespace, workload),
      kind: "workload",
      namespace,
      name: workload,
      app,
      version,
    };
  if (view === "app" && app !== "")
    return {
      id: `app:${namespace}/${app}`,
      kind: "workload",
      namespace,
      name: app,
      app,
      version: "",
    };
  return serviceNode(one);
}

/** The service called: the node of a request that reached no workload, and every target of the graph by service. */
function serviceNode({ labels }: SeriesTotals): Identity {
  const host = known(labels.destination_service);
  const name = known(labels.destination_service_name) || host;
  const namespace = known(labels.destination_service_namespace);
  if (name === "") return unknownNode;
  const inMesh = namespace !== "";
  return {
    id: inMesh ? `service:${namespace}/${name}` : `external:${name}`,
    kind: inMesh ? "service" : "external",
    namespace,
    name,
    app: inMesh ? name : "",
    version: "",
  };
}

const unknownNode: Identity = {
  id: "unknown",
  kind: "unknown",
  namespace: "",
  name: "unknown",
  app: "",
  version: "",
};

/** A workload that sends, receives nothing from the mesh and is named so is a gateway. */
function kindOf(identity: Identity, receives: boolean): GraphNode["kind"] {
  const gateway =
    !receives &&
    (identity.kind === "workload" || identity.kind === "service") &&
    /gateway/.test(identity.name);
  return gateway ? "gateway" : identity.kind;
}
