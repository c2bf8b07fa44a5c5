/**
 * Says whose spans and log records these are, whatever they say of that themselves: for senders that are known by other
 * means, and may not speak for others.
 */

import type { Attributes, LogRecord, SpanRecord } from "../records.ts";

/** Who has sent a request, in the words of the mesh's own metrics. Text is empty where nobody knows. */
export interface Sender {
  readonly pod: string;
  readonly uid: string;
  readonly namespace: string;
  readonly workload: string;
  readonly app: string;
  readonly version: string;
  readonly canonicalService: string;
  readonly canonicalRevision: string;
  readonly cluster: string;
  /** SPIFFE URI. */
  readonly principal: string;
}

/** Writes over what spans say of who has sent them. */
export function attributeTraces(spans: readonly SpanRecord[], sender: Sender): void {
  const resource = resourceOf(sender);
  const own = ownSpan(sender);
  for (const span of spans) {
    own(span.attributes);
    span.resource = resource(span.resource);
  }
}

/** Writes over what log records say of who has sent them. */
export function attributeLogs(records: readonly LogRecord[], sender: Sender): void {
  const resource = resourceOf(sender);
  const own = { source: ownSide("source", sender), destination: ownSide("destination", sender) };
  for (const record of records) {
    // What no proxy has written is taken as said by the source of it.
    const reporter = record.attributes["heddle.reporter"];
    own[reporter === "destination" ? reporter : "source"](record.attributes);
    record.resource = resource(record.resource);
  }
}

/** Of one resource all records have the same object, which is what keeps them together when they are written. */
function resourceOf(sender: Sender): (resource: Attributes) => Attributes {
  const made = new Map<Attributes, Attributes>();
  const { pod, uid, namespace, canonicalService } = sender;
  const own = {
    "service.name": `${canonicalService}.${namespace}`,
    "k8s.namespace.name": namespace,
    "k8s.pod.name": pod,
    "k8s.pod.uid": uid,
  };
  return (resource) => {
    let known = made.get(resource);
    if (known === undefined) {
      known = { ...resource };
      for (const name of CLAIMS) delete known[name];
      made.set(resource, Object.assign(known, own));
    }
    return known;
  };
}

/** What else a resource may say of who it is; Envoy's node says the first three of itself. */
const CLAIMS = [
  ...["node_name", "cluster_name", "zone_name"],
  ...["service.namespace", "service.instance.id"],
  ...["k8s.deployment.name", "k8s.statefulset.name", "k8s.daemonset.name"],
  ...["k8s.replicaset.name", "k8s.job.name", "k8s.cronjob.name"],
];

/** As the mesh's proxies have them (`tracing` in packages/translate). */
function ownSpan(sender: Sender): (attributes: Attributes) => void {
  const { namespace, workload, app, version, canonicalService, canonicalRevision, cluster } =
    sender;
  const always = {
    "k8s.namespace.name": namespace,
    "k8s.cluster.name": cluster,
    "heddle.workload": workload,
    "heddle.app": app,
    "heddle.version": version,
    "heddle.canonical_service": canonicalService,
    "heddle.canonical_revision": canonicalRevision,
  };
  // A Telemetry may have turned these off.
  const whereSaid = {
    "istio.namespace": namespace,
    "istio.cluster_id": cluster,
    "istio.canonical_service": canonicalService,
    "istio.canonical_revision": canonicalRevision,
  };
  return (attributes) => {
    put(attributes, always);
    put(attributes, whereSaid, true);
  };
}

/** A record has two sides, of which its reporter is one. */
function ownSide(side: "source" | "destination", sender: Sender): (attributes: Attributes) => void {
  const { namespace, workload, app, version, canonicalService, canonicalRevision, cluster } =
    sender;
  const own = Object.fromEntries(
    Object.entries({
      namespace,
      workload,
      app,
      version,
      canonical_service: canonicalService,
      canonical_revision: canonicalRevision,
      cluster,
      principal: sender.principal,
    }).map(([name, value]) => [`${side}.${name}`, value]),
  );
  return (attributes) => put(attributes, own, true);
}

/** `whereSaid`: only in place of what is there. Where there is nothing to say nothing is, and a `-` or `unknown` stays. */
function put(
  attributes: Attributes,
  own: Readonly<Record<string, string>>,
  whereSaid = false,
): void {
  for (const [name, value] of Object.entries(own)) {
    const said = attributes[name];
    if (said === "-" || said === "unknown" || (whereSaid && said === undefined)) continue;
    if (value === "") delete attributes[name];
    else attributes[name] = value;
  }
}
