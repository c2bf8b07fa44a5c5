/** IST0101, IST0112: hosts, ports and subsets that a VirtualService sends requests to. */
import type { Destination, Diagnostic, VirtualService } from "@heddle/model";
import { isVisible, resolveHost } from "@heddle/model";
import { diagnostic, missing } from "../check.ts";
import type { Check, CheckContext } from "../check.ts";
import type { Entry, KnownService } from "../mesh-index.ts";

interface Place {
  readonly destination: Destination;
  readonly path: string;
  readonly mirror: boolean;
}

export const checkDestinations: Check<VirtualService> = function* (entry, context) {
  for (const place of destinationsOf(entry.object.spec)) {
    const missingHost = yield* checkHost(entry, place, context);
    if (!missingHost) yield* checkSubset(entry, place, context);
  }
};

/** Yields what is wrong with host and port; true where there is no such host. */
function* checkHost(
  entry: Entry<VirtualService>,
  { destination, path, mirror }: Place,
  context: CheckContext,
): Generator<Diagnostic, boolean> {
  const { index } = context;
  if (!index.hasServices()) return false;
  const { host, port } = destination;
  const service = visibleService(entry, host, context);
  if (!service) {
    const what = mirror ? "mirror host" : "host";
    yield missing(entry, context, { what, name: host, path: `${path}.host` });
    return true;
  }
  if (port === undefined) {
    if (service.ports.length < 2) return false;
    yield diagnostic(entry, {
      code: "IST0112",
      level: context.strict ? "Error" : "Warning",
      path: `${path}.host`,
      message: `This VirtualService routes to a service ${JSON.stringify(host)} that exposes multiple ports [${service.ports.join(" ")}]. Specifying a port in the destination is required to disambiguate.`,
    });
  } else if (port.number !== undefined && !service.ports.includes(port.number)) {
    const name = `${host}:${port.number}`;
    yield missing(entry, context, { what: "host:port", name, path: `${path}.port.number` });
  }
  return false;
}

/** The service of a host as those see it who see the rule. */
function visibleService(
  { object: { metadata, spec } }: Entry<VirtualService>,
  host: string,
  { index }: CheckContext,
): KnownService | undefined {
  const full = resolveHost(host, metadata.namespace, index.clusterDomain);
  const exportTo = spec.exportTo ?? [];
  const seers = (exportTo.length === 0 ? ["."] : exportTo).map((namespace) =>
    namespace === "." || namespace === "*" ? metadata.namespace : namespace,
  );
  return index
    .services(full)
    .find((service) =>
      seers.some((namespace) => isVisible(service.exportTo, service.namespace, namespace)),
    );
}

function* checkSubset(
  entry: Entry<VirtualService>,
  { destination, path, mirror }: Place,
  context: CheckContext,
): Generator<Diagnostic> {
  const { host, subset } = destination;
  if (!subset) return;
  const { index } = context;
  const full = resolveHost(host, entry.object.metadata.namespace, index.clusterDomain);
  const defined = index
    .destinationRulesOver(full)
    .some(({ object }) => object.spec.subsets?.some(({ name }) => name === subset));
  if (defined) return;
  const what = `${mirror ? "mirror" : "host"}+subset in destinationrule`;
  yield missing(entry, context, { what, name: `${host}+${subset}`, path: `${path}.subset` });
}

function* destinationsOf({ http = [], tls = [], tcp = [] }: VirtualService): Generator<Place> {
  for (const [index, { route = [], mirror, mirrors = [] }] of http.entries()) {
    const path = `spec.http[${index}]`;
    yield* routesOf(route, path);
    if (mirror) yield { destination: mirror, path: `${path}.mirror`, mirror: true };
    for (const [position, { destination }] of mirrors.entries()) {
      yield { destination, path: `${path}.mirrors[${position}].destination`, mirror: true };
    }
  }
  for (const [index, { route = [] }] of tls.entries()) yield* routesOf(route, `spec.tls[${index}]`);
  for (const [index, { route = [] }] of tcp.entries()) yield* routesOf(route, `spec.tcp[${index}]`);
}

function* routesOf(
  route: readonly { readonly destination: Destination }[],
  path: string,
): Generator<Place> {
  for (const [index, { destination }] of route.entries()) {
    yield { destination, path: `${path}.route[${index}].destination`, mirror: false };
  }
}
