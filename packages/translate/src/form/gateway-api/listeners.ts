/** Listeners of the Gateway API's Gateways and ListenerSets in the intermediate form. */
import {
  type ListenerEntry,
  type MeshObject,
  rivalsOf,
  type ServiceModel,
  tlsOptionsOf,
} from "@heddle/model";
import { derivation, type ModelReader } from "../../read.ts";
import type { GatewayListener, ListenerTls } from "../gateway-listener.ts";
import { sectionReference } from "./section-rules.ts";
import { tlsHostsOf } from "./stream-rules.ts";

/** What one object asks to be listened for. */
export interface OwnedListeners {
  readonly object: Pick<MeshObject, "metadata">;
  readonly listeners: readonly GatewayListener[];
}

/** Pods that serve a Gateway name it so, as those that Istio deploys do. */
const GATEWAY_NAME = "gateway.networking.k8s.io/gateway-name";

/**
 * Of the Gateway that the proxy's labels name, and of those whose address is a Service that leads to the proxy, for proxies
 * that somebody deployed by hand.
 */
export function listenersOfGatewayApi(
  read: ModelReader,
  labels: Readonly<Record<string, string>>,
  namespace: string,
  services: readonly ServiceModel[],
): readonly OwnedListeners[] {
  return gatewaysServedBy(read, labels, namespace, services).flatMap(
    (gateway): OwnedListeners[] => {
      const object = read.object(`gateway.networking.k8s.io/Gateway/${gateway}`);
      return object ? [{ object, listeners: read.get(listenersOfGateway, gateway) }] : [];
    },
  );
}

/** `namespace/name` of each. */
export function gatewaysServedBy(
  read: ModelReader,
  labels: Readonly<Record<string, string>>,
  namespace: string,
  services: readonly ServiceModel[],
): readonly string[] {
  const name = labels[GATEWAY_NAME];
  const named = name ? [`${namespace}/${name}`] : [];
  return [...new Set([...named, ...services.flatMap(({ host }) => read.gatewaysAt(host))])];
}

const listenersOfGateway = derivation<string, readonly GatewayListener[]>(
  "form/gateway-api",
  (gateway) => gateway,
  (read, gateway) => {
    const entries = read.gatewayApi.listeners(gateway);
    return entries.filter(({ served }) => served).flatMap((entry) => formOf(read, entry, entries));
  },
);

function formOf(
  read: ModelReader,
  entry: ListenerEntry,
  all: readonly ListenerEntry[],
): readonly GatewayListener[] {
  const { owner, listener, port, protocol } = entry;
  if (protocol === undefined) return [];
  const { namespace, name } = owner.metadata;
  const host = (listener.hostname ?? "*").toLowerCase();
  const rivals = rivalsOf(entry, all).map((other) => other.listener.hostname ?? "*");
  const whole: GatewayListener = {
    origin: { kind: owner.kind, namespace, name },
    gateway: sectionReference(entry),
    section: `${owner.kind}~${listener.name}`,
    port,
    protocol,
    hosts: [{ host }],
    ...(protocol === "HTTPS" || protocol === "TLS" ? { tls: tlsOf(entry) } : {}),
    httpsRedirect: false,
    ...(protocol === "HTTPS" && rivals.length > 0 ? { misdirected: rivals } : {}),
  };
  if (protocol !== "TLS" || listener.tls?.mode === "Passthrough") return [whole];
  // With TLS taken off nobody asks for a name any more: each name that a route speaks of becomes a listener of its own.
  return tlsHostsOf(read, entry, all).map((each) => ({
    ...whole,
    gateway: sectionReference(entry, each),
    section: `${whole.section}~${each}`,
    hosts: [{ host: each }],
  }));
}

function tlsOf({ listener, certificates, clients }: ListenerEntry): ListenerTls {
  if (listener.tls?.mode === "Passthrough") return { mode: "PASSTHROUGH" };
  const { mode, cipherSuites } = tlsOptionsOf(listener);
  const parameters = { cipherSuites, ecdhCurves: [] };
  if (mode === "ISTIO_MUTUAL") return { mode: "MESH", parameters };
  const sources = certificates.map(({ namespace, name }) => ({
    credential: `kubernetes://${namespace}/${name}`,
    granted: true as const,
  }));
  const [first] = sources;
  return {
    mode: "TERMINATE",
    certificates: sources,
    ...(clients
      ? {
          clients: {
            required: clients.mode === "AllowValidOnly",
            acceptUntrusted: clients.mode === "AllowInsecureFallback",
            authorities: { inline: clients.authorities },
            subjectAltNames: [],
            spki: [],
            hashes: [],
          },
        }
      : mode === "SIMPLE"
        ? {}
        : {
            // What the Gateway asks for in the Gateway API's own way goes before this.
            clients: {
              required: mode === "MUTUAL",
              acceptUntrusted: false,
              ...(first ? { authorities: { credential: first.credential } } : {}),
              subjectAltNames: [],
              spki: [],
              hashes: [],
            },
          }),
    parameters,
  };
}
