/** What a proxy presents to backends whose TLS the Gateway API asks for: the certificate of the Gateway that it serves. */
import { clientCertificateOf, type GatewayApi, isBroken, type MeshObject } from "@heddle/model";
import { derivation, type ModelReader } from "../../read.ts";
import type { ProxyDescription } from "../../proxy.ts";
import { gatewaysServedBy } from "./listeners.ts";

/** Its name as SDS has it. Of several Gateways the first that has one decides, that of the proxy's labels before others. */
export function backendCertificate(
  read: ModelReader,
  { type, namespace, labels, addresses }: ProxyDescription,
): string | undefined {
  if (type !== "router") return undefined;
  const [address] = addresses;
  const services = address === undefined ? [] : read.servicesAt(address);
  for (const gateway of gatewaysServedBy(read, labels, namespace, services)) {
    const name = read.get(certificateOfGateway, gateway);
    if (name !== undefined) return name;
  }
  return undefined;
}

/** By `namespace/name`. */
const certificateOfGateway = derivation<string, string | undefined>(
  "form/gateway-api-client-certificate",
  (gateway) => gateway,
  (read, gateway) => {
    const key = `gateway.networking.k8s.io/Gateway/${gateway}`;
    const object: MeshObject<GatewayApi.Gateway> | undefined = read.object(key);
    const found = object && clientCertificateOf(read.gatewayApi, object);
    if (!found || isBroken(found)) return undefined;
    return `kubernetes://${found.namespace}/${found.name}`;
  },
);
