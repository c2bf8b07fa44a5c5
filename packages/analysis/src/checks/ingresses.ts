/** HDL0170 to HDL0172, IST0101: whose an Ingress is, what it refers to, and what several of them claim. */
import {
  type Diagnostic,
  type Ingress,
  type IngressBackend,
  ingressGatewaySelector,
  type IngressReader,
  otherIngressController,
  resolveIngressBackend,
  serviceHost,
} from "@heddle/model";
import { type Check, type CheckContext, diagnostic, missing, namesOf } from "../check.ts";
import { ingressReader } from "../ingress.ts";
import { claimsOf } from "../ingress-claims.ts";
import type { Entry } from "../mesh-index.ts";

export const checkIngresses: Check<Ingress> = function* (entry, context) {
  const read = ingressReader(context.index);
  const other = otherIngressController(read, entry.object);
  if (other !== undefined) {
    yield diagnostic(entry, {
      code: "HDL0170",
      path: "spec.ingressClassName",
      message: `The Ingress is not this mesh's, and is passed over: ${other}.`,
    });
    return;
  }
  for (const { backend, path } of backendsOf(entry.object.spec)) {
    yield* checkBackend(entry, backend, path, context, read);
  }
  yield* checkGateways(entry, context, read);
};

/** Paths and names that an older Ingress has already. */
export const checkIngressConflicts: Check<Ingress> = function* (entry, context) {
  const read = ingressReader(context.index);
  if (otherIngressController(read, entry.object) !== undefined) return;
  for (const claim of claimsOf(entry.object.spec)) {
    const rivals = context.index
      .claimants(claim.place)
      .filter(
        (each) =>
          each.key !== entry.key &&
          otherIngressController(read, each.object) === undefined &&
          claimsOf(each.object.spec).some(
            ({ place, value }) =>
              place === claim.place &&
              (value !== claim.value || namespaceOf(each) !== namespaceOf(entry)),
          ),
      );
    if (rivals.length === 0) continue;
    yield diagnostic(entry, {
      code: "HDL0172",
      level: context.force ? "Warning" : "Error",
      path: claim.path,
      message: `The Ingresses ${namesOf([entry, ...rivals])} claim ${claim.what}, and do not agree on it: only the oldest would have it.`,
    });
  }
};

function* checkBackend(
  entry: Entry<Ingress>,
  backend: IngressBackend,
  path: string,
  context: CheckContext,
  read: IngressReader,
): Generator<Diagnostic> {
  const { index } = context;
  const { service } = backend;
  const { namespace } = entry.object.metadata;
  if (service === undefined) {
    const found = resolveIngressBackend(read, namespace, backend);
    if (!("problem" in found)) return;
    yield diagnostic(entry, { code: "HDL0171", path, message: `${found.problem}.` });
    return;
  }
  if (!index.hasServices()) return;
  const host = serviceHost(service.name, namespace, index.clusterDomain);
  const [known] = index.services(host);
  if (!known) {
    yield missing(entry, context, { what: "host", name: host, path: `${path}.service.name` });
    return;
  }
  const { number, name } = service.port ?? {};
  // Of a service that a cluster only reported nobody knows what its ports are called.
  const defined = index.entry(`core/Service/${namespace}/${service.name}`);
  const gone =
    number === undefined
      ? defined && "problem" in resolveIngressBackend(read, namespace, backend)
      : !known.ports.includes(number);
  if (!gone) return;
  yield missing(entry, context, {
    what: "host:port",
    name: `${host}:${number ?? name}`,
    path: `${path}.service.port`,
  });
}

/** Pods that serve it, and Secrets for them. */
function* checkGateways(
  entry: Entry<Ingress>,
  context: CheckContext,
  read: IngressReader,
): Generator<Diagnostic> {
  const { index } = context;
  const selector = ingressGatewaySelector(read.settings);
  const pods = index.pods(selector);
  if (index.has("Pod") && pods.length === 0) {
    const [[label, value] = []] = Object.entries(selector);
    yield missing(entry, context, { what: "selector", name: `${label}=${value}`, path: "spec" });
  }
  const namespaces = new Set([
    ...pods.map(({ object }) => object.metadata.namespace),
    entry.object.metadata.namespace,
  ]);
  for (const [position, { secretName }] of (entry.object.spec.tls ?? []).entries()) {
    const path = `spec.tls[${position}]`;
    if (!secretName) {
      yield diagnostic(entry, {
        code: "HDL0173",
        path,
        message: "Without a Secret there is no certificate, and its hosts get no TLS by it.",
      });
    } else if (
      index.has("Secret") &&
      ![...namespaces].some((namespace) => index.entry(`core/Secret/${namespace}/${secretName}`))
    ) {
      yield missing(entry, context, {
        what: "secretName",
        name: secretName,
        path: `${path}.secretName`,
      });
    }
  }
}

function backendsOf({ defaultBackend, rules = [] }: Ingress) {
  return [
    ...(defaultBackend ? [{ backend: defaultBackend, path: "spec.defaultBackend" }] : []),
    ...rules.flatMap(({ http }, position) =>
      (http?.paths ?? []).map(({ backend }, index) => ({
        backend,
        path: `spec.rules[${position}].http.paths[${index}].backend`,
      })),
    ),
  ];
}

/** A name in another namespace means another object. */
function namespaceOf({ object }: Entry<Ingress>): string {
  return object.metadata.namespace;
}
