/** Several objects may define one host: which of them a namespace sees, and what of them is joined. */
import {
  byAge,
  compareText,
  isVisible,
  type MeshObject,
  type ServiceEntry,
  type ServiceModel,
} from "@heddle/model";
import { type ByNamespace, byNamespace, namespacesNamed } from "./by-namespace.ts";

/** One object's definition of a host. */
export interface Definition {
  readonly object: MeshObject<unknown>;
  readonly model: ServiceModel;
}

/** What one namespace says of a host. */
export interface Unit {
  readonly model: ServiceModel;
  /** The oldest object that it is made from. */
  readonly object: MeshObject<unknown>;
  /** Entries that its endpoints are taken from, oldest first; none for a Service of Kubernetes. */
  readonly entries: readonly MeshObject<ServiceEntry>[];
}

/** Oldest first; a Service of Kubernetes before every entry. */
export function byPrecedence(a: Definition, b: Definition): number {
  return (
    rankOf(a.model) - rankOf(b.model) ||
    byAge(a.object, b.object) ||
    compareText(a.model.key, b.model.key)
  );
}

/**
 * A host's units, one for each namespace that defines it, the first one first. A Service takes the subjectAltNames of
 * entries for its host, and nothing else of them. Entries of one namespace that agree on how the host is reached add up
 * their ports and endpoints; of those that do not the oldest counts.
 */
export function unitsOf(definitions: readonly Definition[]): readonly Unit[] {
  const byOwner = new Map<string, Definition[]>();
  for (const definition of definitions) {
    const { namespace } = definition.model;
    const known = byOwner.get(namespace);
    if (known === undefined) byOwner.set(namespace, [definition]);
    else known.push(definition);
  }
  return [...byOwner.values()].map(unitOf);
}

/** What each namespace sees of a host: a Service before entries, what is exported to it by name before what all see, then the oldest. */
export function seenBy(units: readonly Unit[]): ByNamespace<ServiceModel | undefined> {
  const named = units.flatMap(({ model }) => namespacesNamed(model.exportTo, model.namespace));
  return byNamespace(named, (namespace) => {
    const seen = units
      .map(({ model }) => model)
      .filter((model) => isVisible(model.exportTo, model.namespace, namespace));
    const [first] = seen;
    return first?.origin === "Service" ? first : (seen.find(isRestricted) ?? first);
  });
}

/** Whether not every namespace sees it. */
export function isRestricted({ exportTo }: ServiceModel): boolean {
  return exportTo.some((to) => to !== "*");
}

function unitOf(definitions: readonly Definition[]): Unit {
  const [first, ...others] = definitions as readonly [Definition, ...Definition[]];
  const { object, model } = first;
  if (others.length === 0) return { model, object, entries: entriesOf(definitions) };
  if (model.origin === "Service") {
    return { model: withNames(model, others), object, entries: [] };
  }
  const joined = [first, ...others.filter((other) => agree(model, other.model))];
  return { model: withNames(withPorts(model, joined), joined), object, entries: entriesOf(joined) };
}

function entriesOf(definitions: readonly Definition[]): readonly MeshObject<ServiceEntry>[] {
  return definitions
    .filter(({ model }) => model.origin === "ServiceEntry")
    .map(({ object }) => object as MeshObject<ServiceEntry>);
}

function withNames(model: ServiceModel, others: readonly Definition[]): ServiceModel {
  const names = [model, ...others.map((other) => other.model)].flatMap(
    ({ subjectAltNames }) => subjectAltNames,
  );
  return names.length === 0 ? model : { ...model, subjectAltNames: [...new Set(names)] };
}

function withPorts(model: ServiceModel, joined: readonly Definition[]): ServiceModel {
  const ports = new Map<number, ServiceModel["ports"][number]>();
  for (const definition of joined) {
    for (const port of definition.model.ports)
      if (!ports.has(port.port)) ports.set(port.port, port);
  }
  return { ...model, ports: [...ports.values()] };
}

function agree(a: ServiceModel, b: ServiceModel): boolean {
  const alike = ({ resolution, external, selector, exportTo, labels }: ServiceModel) =>
    JSON.stringify([
      resolution,
      external,
      Object.entries(selector).toSorted(byKey),
      Object.entries(labels).toSorted(byKey),
      exportTo.toSorted(),
    ]);
  return alike(a) === alike(b);
}

function byKey([a]: [string, string], [b]: [string, string]): number {
  return compareText(a, b);
}

function rankOf({ origin }: ServiceModel): number {
  return origin === "Service" ? 0 : 1;
}
