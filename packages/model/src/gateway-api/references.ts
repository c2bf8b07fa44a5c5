/** What an object of the Gateway API refers to: whether it may, and whether it is there. */
import { serviceHost } from "../host.ts";
import type * as GatewayApi from "../kinds/gateway-api/index.ts";
import type { ConfigMap, Secret } from "../kinds/kubernetes.ts";
import type { GatewayApiReader } from "./reader.ts";

/** An object that refers to others. */
export interface Referrer {
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
}

interface Target {
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** Why a reference leads nowhere, by the names that the Gateway API has for it. */
export interface BrokenReference<Reason extends string = string> {
  readonly reason: Reason;
  readonly message: string;
}

/**
 * The same for routes whose parent is a Service. Their backends need no grant in another namespace: a route says for its clients
 * whom they ask, and these could ask so themselves (GEP-1426, "Namespace boundaries").
 */
export const ofMeshRoutes = (read: GatewayApiReader): GatewayApiReader => ({
  ...read,
  needsNoGrants: true,
});

/** Across namespaces a ReferenceGrant in the target's namespace must allow it. */
export function isGranted(read: GatewayApiReader, from: Referrer, to: Target): boolean {
  if (from.namespace === to.namespace || read.needsNoGrants) return true;
  return read
    .referenceGrants(to.namespace)
    .some(
      ({ spec }) =>
        spec.from.some(
          ({ group, kind, namespace }) =>
            group === from.group && kind === from.kind && namespace === from.namespace,
        ) &&
        spec.to.some(
          ({ group, kind, name }) =>
            group === to.group && kind === to.kind && (name === undefined || name === to.name),
        ),
    );
}

/** A port of a service of the mesh. */
export interface Backend {
  readonly host: string;
  readonly port: number;
}

export type BackendReason =
  | "RefNotPermitted"
  | "InvalidKind"
  | "BackendNotFound"
  | "UnsupportedProtocol";

/** `datagrams` for routes of UDP, whose services have UDP ports; no other route can use these. */
export function resolveBackend(
  read: GatewayApiReader,
  from: Referrer,
  reference: GatewayApi.BackendObjectReference,
  { datagrams = false }: { readonly datagrams?: boolean } = {},
): Backend | BrokenReference<BackendReason> {
  const { group = "", kind = "Service", name, port } = reference;
  const namespace = reference.namespace ?? from.namespace;
  const isService = group === "" && kind === "Service";
  const isHostname = group === "networking.istio.io" && kind === "Hostname";
  if (!isService && !isHostname) {
    return {
      reason: "InvalidKind",
      message: `${kind}${group === "" ? "" : ` of ${group}`} cannot be a backend: only Services can`,
    };
  }
  if (port === undefined) {
    return { reason: "BackendNotFound", message: `backend ${name} is named without a port` };
  }
  if (isHostname) return found(read, { host: name.toLowerCase(), port }, datagrams);
  if (!isGranted(read, from, { group, kind, namespace, name })) {
    return {
      reason: "RefNotPermitted",
      message: `no ReferenceGrant in ${namespace} lets a ${from.kind} of ${from.namespace} refer to Service ${name}`,
    };
  }
  return found(read, { host: serviceHost(name, namespace, read.clusterDomain), port }, datagrams);
}

function found(
  read: GatewayApiReader,
  backend: Backend,
  datagrams: boolean,
): Backend | BrokenReference<BackendReason> {
  if (!read.knowsServices) return backend;
  const service = read.service(backend.host);
  if (service === undefined) {
    return { reason: "BackendNotFound", message: `there is no service ${backend.host}` };
  }
  const port = service.ports.find((each) => each.port === backend.port);
  if (port === undefined) {
    return {
      reason: "BackendNotFound",
      message: `service ${backend.host} has no port ${backend.port}`,
    };
  }
  // Of a service that a cluster only reported nobody knows what its ports carry.
  if (port.protocol !== "AUTO" && (port.protocol === "UDP") !== datagrams) {
    return {
      reason: "UnsupportedProtocol",
      message: `port ${backend.port} of ${backend.host} is ${datagrams ? "not " : ""}for UDP`,
    };
  }
  return backend;
}

export function isBroken(result: object): result is BrokenReference {
  return "reason" in result;
}

export interface ObjectName {
  readonly namespace: string;
  readonly name: string;
}

export type CertificateReason = "InvalidCertificateRef" | "RefNotPermitted";

/** The Secret with a certificate and its key. */
export function resolveCertificate(
  read: GatewayApiReader,
  from: Referrer,
  reference: GatewayApi.SecretObjectReference,
): ObjectName | BrokenReference<CertificateReason> {
  const { group = "", kind = "Secret", name } = reference;
  const namespace = reference.namespace ?? from.namespace;
  if (group !== "" || kind !== "Secret") {
    return {
      reason: "InvalidCertificateRef",
      message: `${kind}${group === "" ? "" : ` of ${group}`} cannot hold a certificate: only Secrets can`,
    };
  }
  if (!isGranted(read, from, { group, kind, namespace, name })) {
    return {
      reason: "RefNotPermitted",
      message: `no ReferenceGrant in ${namespace} lets a ${from.kind} of ${from.namespace} refer to Secret ${name}`,
    };
  }
  if (!read.knowsSecrets) return { namespace, name };
  const secret = read.object<Secret>(`core/Secret/${namespace}/${name}`);
  const wrong = (what: string) => ({ reason: "InvalidCertificateRef" as const, message: what });
  if (secret === undefined) return wrong(`there is no Secret ${namespace}/${name}`);
  const { data = {} } = secret.spec;
  for (const field of ["tls.crt", "tls.key"]) {
    if (isPem(data[field])) continue;
    return wrong(`Secret ${namespace}/${name} has no ${field} in PEM`);
  }
  return { namespace, name };
}

export type AuthorityReason =
  | "InvalidCACertificateRef"
  | "InvalidCACertificateKind"
  | "RefNotPermitted";

/** Certificates of authorities: PEM, from `ca.crt` of a ConfigMap or a Secret. */
export function resolveAuthority(
  read: GatewayApiReader,
  from: Referrer,
  reference: GatewayApi.ObjectReference,
): { readonly pem: string } | BrokenReference<AuthorityReason> {
  const { group, kind, name } = reference;
  const namespace = reference.namespace ?? from.namespace;
  if (group !== "" || (kind !== "ConfigMap" && kind !== "Secret")) {
    return {
      reason: "InvalidCACertificateKind",
      message: `${kind}${group === "" ? "" : ` of ${group}`} cannot hold certificates of authorities: ConfigMaps and Secrets can`,
    };
  }
  if (!isGranted(read, from, { group, kind, namespace, name })) {
    return {
      reason: "RefNotPermitted",
      message: `no ReferenceGrant in ${namespace} lets a ${from.kind} of ${from.namespace} refer to ${kind} ${name}`,
    };
  }
  const pem =
    kind === "ConfigMap"
      ? read.object<ConfigMap>(`core/ConfigMap/${namespace}/${name}`)?.spec.data?.["ca.crt"]
      : decoded(read.object<Secret>(`core/Secret/${namespace}/${name}`)?.spec.data?.["ca.crt"]);
  if (pem === undefined ? read.knowsSecrets : !pem.includes(PEM)) {
    return {
      reason: "InvalidCACertificateRef",
      message: `${kind} ${namespace}/${name} is not there, or has no ca.crt in PEM`,
    };
  }
  return { pem: pem ?? "" };
}

const PEM = "-----BEGIN ";

function isPem(base64: string | undefined): boolean {
  return decoded(base64)?.includes(PEM) ?? false;
}

function decoded(base64: string | undefined): string | undefined {
  if (base64 === undefined) return undefined;
  try {
    return atob(base64.replace(/\s+/g, ""));
  } catch {
    return "";
  }
}
