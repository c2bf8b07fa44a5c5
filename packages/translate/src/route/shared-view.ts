/** How much of a client's view the routes of one host really depend on: equal answers share every virtual host. */
import { resolveHost, type VirtualService } from "@heddle/model";
import type { ClientView, ModelReader } from "../read.ts";
import { labelText } from "./gateway-servers.ts";

/** A namespace that no rule singles out. */
const ANYWHERE = "";

export function sharedView(read: ModelReader, view: ClientView, host: string): ClientView {
  const scope = read.routeScope(host, view.namespace);
  const rule = read.virtualService(host, scope);
  const source = rule ? sourceOf(rule.spec) : NO_SOURCE;
  const targets = rule
    ? destinationHosts(rule.spec, rule.metadata.namespace, read.mesh.clusterDomain)
    : [host];
  const apart =
    scope !== ANYWHERE ||
    source.namespace ||
    targets.some((target) => read.clusterScope(target, view.namespace) !== ANYWHERE);
  const namespace = apart ? view.namespace : ANYWHERE;
  const labels = source.labels ? view.labels : {};
  return { ...view, key: `${namespace}|${labelText(labels)}`, namespace, labels };
}

/** Whether there is any client at all that sees other routes for a host than one that nobody has singled out. */
export function dependsOnClient(read: ModelReader, host: string): boolean {
  if (read.scoped(host) || read.routeScoped(host)) return true;
  const rule = read.virtualService(host, ANYWHERE);
  if (rule === undefined) return false;
  const source = sourceOf(rule.spec);
  if (source.labels || source.namespace) return true;
  const targets = destinationHosts(rule.spec, rule.metadata.namespace, read.mesh.clusterDomain);
  return targets.some((target) => read.scoped(target));
}

interface Source {
  readonly labels: boolean;
  readonly namespace: boolean;
}

const NO_SOURCE: Source = { labels: false, namespace: false };

/** What of the client the rule's matches look at. */
function sourceOf(rule: VirtualService): Source {
  const matches = (rule.http ?? []).flatMap(({ match }) => match ?? []);
  return {
    labels: matches.some(({ sourceLabels }) => Object.keys(sourceLabels ?? {}).length > 0),
    namespace: matches.some(({ sourceNamespace }) => Boolean(sourceNamespace)),
  };
}

function destinationHosts(
  rule: VirtualService,
  namespace: string,
  clusterDomain: string,
): readonly string[] {
  const hosts = (rule.http ?? []).flatMap(({ route }) =>
    (route ?? []).map(({ destination }) => destination.host),
  );
  return [...new Set(hosts.map((host) => resolveHost(host, namespace, clusterDomain)))];
}
