/** The certificate that a Gateway presents to backends that it speaks TLS to. */
import type * as GatewayApi from "../kinds/gateway-api/index.ts";
import type { MeshObject } from "../object.ts";
import { referrerOf } from "./listeners.ts";
import type { GatewayApiReader } from "./reader.ts";
import {
  type BrokenReference,
  isBroken,
  type ObjectName,
  resolveCertificate,
} from "./references.ts";

export type ClientCertificateReason = "InvalidClientCertificateRef" | "RefNotPermitted";

/** The Secret that it names; undefined where it names none. */
export function clientCertificateOf(
  read: GatewayApiReader,
  gateway: MeshObject<GatewayApi.Gateway>,
): ObjectName | BrokenReference<ClientCertificateReason> | undefined {
  const reference = gateway.spec.tls?.backend?.clientCertificateRef;
  if (reference === undefined) return undefined;
  const found = resolveCertificate(read, referrerOf(gateway), reference);
  if (!isBroken(found)) return found;
  const { reason, message } = found;
  return {
    message,
    reason: reason === "RefNotPermitted" ? reason : "InvalidClientCertificateRef",
  };
}
