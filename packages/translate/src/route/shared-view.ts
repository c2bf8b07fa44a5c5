/** How much of a client's view the routes of one host really depend on: equal answers share every virtual host. */
import { rulesForHost } from "../form/rules.ts";
import type { HttpRule, RuleSet, TcpRule, TlsRule } from "../form/rule-set.ts";
import type { ClientView, ModelReader } from "../read.ts";
import { byLabels } from "../store/destination-rules.ts";
import { servedHost } from "../form/served-host.ts";
import { labelText } from "./gateway-servers.ts";

/** A namespace that no rule singles out. */
const ANYWHERE = "";

export function sharedView(read: ModelReader, view: ClientView, host: string): ClientView {
  const scope = read.routeScope(host, view.namespace);
  const rules = rulesForHost(read, host, scope);
  const source = rules ? sourceOf(rules) : NO_SOURCE;
  const targets = rules ? destinationHosts(read, rules, view.namespace) : [host];
  const scopes = [...new Set([host, ...targets])].map((target) => read.clusterScope(target, view));
  const apart = scope !== ANYWHERE || source.namespace || scopes.some((each) => each !== ANYWHERE);
  const namespace = apart ? view.namespace : ANYWHERE;
  const labels = source.labels || scopes.some(byLabels) ? view.labels : {};
  return { ...view, key: `${namespace}|${labelText(labels)}`, namespace, labels };
}

/** Whether there is any client at all that sees other routes for a host than one that nobody has singled out. */
export function dependsOnClient(read: ModelReader, host: string): boolean {
  if (read.scoped(host) || read.routeScoped(host)) return true;
  const rules = rulesForHost(read, host, ANYWHERE);
  if (rules === undefined) return false;
  const source = sourceOf(rules);
  if (source.labels || source.namespace) return true;
  return destinationHosts(read, rules, ANYWHERE).some((target) => read.scoped(target));
}

interface Source {
  readonly labels: boolean;
  readonly namespace: boolean;
}

const NO_SOURCE: Source = { labels: false, namespace: false };

/** What of the client the rules' matches look at. */
function sourceOf(rules: RuleSet): Source {
  const matches = everyRule(rules).flatMap((rule) => rule.matches.map(({ client }) => client));
  return {
    labels: matches.some(({ sourceLabels }) => sourceLabels !== undefined),
    namespace: matches.some(({ sourceNamespace }) => sourceNamespace !== undefined),
  };
}

/** Those that the rules name, and those that serve these: an alias has no rules of connections of its own. */
function destinationHosts(read: ModelReader, rules: RuleSet, namespace: string): readonly string[] {
  const named = everyRule(rules).flatMap((rule) => rule.destinations.map(({ host }) => host));
  return [...new Set([...named, ...named.map((host) => servedHost(read, host, namespace))])];
}

function everyRule({ http, tls, tcp }: RuleSet): readonly (HttpRule | TlsRule | TcpRule)[] {
  return [...http, ...tls, ...tcp];
}
