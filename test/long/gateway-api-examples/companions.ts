/** What an example takes for granted: classes, Gateways, Services, Secrets and ConfigMaps that it names and does not define. */
import type { GatewayApi, MeshObject } from "@heddle/model";

const API = "gateway.networking.k8s.io/v1";

interface Wanted {
  readonly group?: string;
  readonly kind?: string;
  readonly name: string;
  readonly namespace?: string;
  readonly port?: number;
  readonly sectionName?: string;
}

const PROTOCOLS: Readonly<Record<string, string>> = {
  HTTPRoute: "HTTP",
  GRPCRoute: "HTTP",
  TLSRoute: "TLS",
  TCPRoute: "TCP",
  UDPRoute: "UDP",
};

/** Those that no object of the example is; `authority` is a certificate in PEM. */
export function companionsOf(
  objects: readonly MeshObject[],
  authority: string,
): readonly MeshObject[] {
  const made = new Map<string, MeshObject>();
  const there = new Set(objects.map(({ kind, metadata }) => keyOf(kind, metadata)));
  const add = (apiVersion: string, kind: string, of: Wanted, namespace: string, spec: unknown) => {
    const metadata = { name: of.name, namespace, labels: {}, annotations: {} };
    const key = keyOf(kind, metadata);
    if (!there.has(key) && !made.has(key)) made.set(key, { apiVersion, kind, metadata, spec });
  };
  const portsOf = new Map<string, Set<number>>();

  for (const { kind, metadata, spec } of objects) {
    const { namespace } = metadata;
    for (const { at, value } of referencesIn(spec)) {
      const own = value.namespace ?? namespace;
      if (at === "parentRefs" && (value.kind ?? "Gateway") === "Gateway") {
        add(API, "Gateway", value, own, gatewayFor(kind, value));
      } else if (
        at === "parentRefs" ||
        at === "backendRefs" ||
        at === "backendRef" ||
        at === "targetRefs"
      ) {
        if ((value.kind ?? "Service") !== "Service" || (value.group ?? "") !== "") continue;
        const key = `${own}/${value.name}`;
        const ports = portsOf.get(key) ?? new Set<number>();
        if (value.port !== undefined) ports.add(value.port);
        portsOf.set(key, ports);
        add("v1", "Service", value, own, { datagrams: kind === "UDPRoute" });
      } else if (at === "certificateRefs" || at === "clientCertificateRef") {
        const pem = (word: string) => btoa(`-----BEGIN ${word}-----`);
        const data = { "tls.crt": pem("CERTIFICATE"), "tls.key": pem("PRIVATE KEY") };
        add("v1", "Secret", value, own, { type: "kubernetes.io/tls", data });
      } else if (at === "caCertificateRefs") {
        add("v1", value.kind ?? "ConfigMap", value, own, { data: { "ca.crt": authority } });
      }
    }
    if (kind === "Gateway") classOf(spec as GatewayApi.Gateway, add);
  }
  for (const object of [...made.values()]) {
    if (object.kind === "Gateway") classOf(object.spec as GatewayApi.Gateway, add);
  }
  return [...made.values()].map((object) => {
    if (object.kind !== "Service") return object;
    const { namespace, name } = object.metadata;
    const { datagrams } = object.spec as { datagrams: boolean };
    const numbers = [...(portsOf.get(`${namespace}/${name}`) ?? [])];
    const ports = (numbers.length > 0 ? numbers : [80]).map((port) => ({
      name: numbers.length > 1 ? `http-${port}` : "http",
      port,
      protocol: datagrams ? "UDP" : "TCP",
    }));
    return { ...object, spec: { clusterIP: "10.2.0.1", ports } };
  });
}

function classOf(
  { gatewayClassName }: GatewayApi.Gateway,
  add: (apiVersion: string, kind: string, of: Wanted, namespace: string, spec: unknown) => void,
): void {
  add(API, "GatewayClass", { name: gatewayClassName }, "", {
    controllerName: "heddle.dev/gateway-controller",
  });
}

/** A Gateway as the route's parent reference wants it. */
function gatewayFor(kind: string, { sectionName, port }: Wanted): GatewayApi.Gateway {
  const protocol = PROTOCOLS[kind] ?? "HTTP";
  return {
    gatewayClassName: "heddle",
    listeners: [
      {
        name: sectionName ?? protocol.toLowerCase(),
        port: port ?? 8080,
        protocol,
        ...(protocol === "TLS" ? { tls: { mode: "Passthrough" as const } } : {}),
        allowedRoutes: { namespaces: { from: "All" } },
      },
    ],
  };
}

/** Everything in a spec that names another object, with the field that it stands in. */
function* referencesIn(value: unknown, at = ""): Generator<{ at: string; value: Wanted }> {
  if (Array.isArray(value)) {
    for (const item of value) yield* referencesIn(item, at);
    return;
  }
  if (typeof value !== "object" || value === null) return;
  if (/Refs?$/.test(at) && "name" in value) yield { at, value: value as Wanted };
  for (const [field, inner] of Object.entries(value)) yield* referencesIn(inner, field);
}

function keyOf(kind: string, { namespace, name }: { namespace: string; name: string }): string {
  return `${kind}/${namespace}/${name}`;
}
