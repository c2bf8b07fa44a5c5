/** What gateways listen for on behalf of Ingresses: HTTP on port 80, and HTTPS on 443 where there is a certificate. */
import { ingressGatewaySelector, type Ingress, labelsMatch, type MeshObject } from "@heddle/model";
import { derivation, type ModelReader } from "../../read.ts";
import type { GatewayListener } from "../gateway-listener.ts";
import { ingressReference } from "./rules.ts";
import { servedOf } from "./served.ts";

const HTTP_PORT = 80;
const HTTPS_PORT = 443;

/** Of the mesh's ingress gateways; none for other pods. */
export function listenersOfIngresses(
  read: ModelReader,
  labels: Readonly<Record<string, string>>,
  namespace: string,
): readonly GatewayListener[] {
  if (!labelsMatch(ingressGatewaySelector(read.mesh), labels)) return [];
  return read.get(ingressListeners, namespace);
}

/** By the namespace of the gateway's pods, in which certificates are looked for first. */
const ingressListeners = derivation<string, readonly GatewayListener[]>(
  "form/ingress",
  (namespace) => namespace,
  (read, namespace) => {
    const ingresses = servedOf(read, read.ingresses());
    const [oldest] = ingresses;
    if (!oldest) return [];
    return [
      {
        origin: originOf(oldest),
        gateway: ingressReference(["*"]),
        section: "http",
        port: HTTP_PORT,
        protocol: "HTTP",
        hosts: [{ host: "*" }],
        httpsRedirect: false,
      },
      ...ingresses.flatMap((ingress) => secureListeners(read, ingress, namespace)),
    ];
  },
);

/** One for each of the Ingress's certificates. Names that an older one has are its: listeners claim them in order. */
function secureListeners(
  read: ModelReader,
  ingress: MeshObject<Ingress>,
  namespace: string,
): readonly GatewayListener[] {
  return (ingress.spec.tls ?? []).flatMap(({ hosts, secretName }, index): GatewayListener[] => {
    if (!secretName) return [];
    const names = hosts?.length ? hosts.map((host) => host.toLowerCase()) : ["*"];
    const credential = credentialOf(read, secretName, namespace, ingress.metadata.namespace);
    return [
      {
        origin: originOf(ingress),
        gateway: ingressReference(names),
        section: `https-${index}`,
        port: HTTPS_PORT,
        protocol: "HTTPS",
        hosts: names.map((host) => ({ host })),
        tls: {
          mode: "TERMINATE",
          certificates: [{ credential }],
          parameters: { cipherSuites: [], ecdhCurves: [] },
        },
        httpsRedirect: false,
      },
    ];
  });
}

/** The gateway's own namespace as Istio has it, else the Ingress's as Kubernetes has it. */
function credentialOf(
  read: ModelReader,
  name: string,
  gatewayNamespace: string,
  ownNamespace: string,
): string {
  const isThere = (namespace: string) => read.object(`core/Secret/${namespace}/${name}`);
  if (gatewayNamespace === ownNamespace || isThere(gatewayNamespace)) return name;
  return isThere(ownNamespace) ? `kubernetes://${ownNamespace}/${name}` : name;
}

function originOf({ metadata }: MeshObject<Ingress>): GatewayListener["origin"] {
  return { kind: "Ingress", namespace: metadata.namespace, name: metadata.name };
}
