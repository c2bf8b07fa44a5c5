/** Which objects say something to both ends of a connection. */
import { parseObjectKey } from "@heddle/model";

/** Others change what one end does: those never wait for the rest of the mesh to be worked out. */
const KINDS: ReadonlySet<string> = new Set([
  "EndpointSlice",
  "EnvoyFilter",
  "MeshSettings",
  "Namespace",
  "PeerAuthentication",
  "Service",
  "ServiceEntry",
  "Sidecar",
  "WorkloadEntry",
]);

/** By an object's key. */
export function concernsBothEnds(key: string): boolean {
  return KINDS.has(parseObjectKey(key)?.kind ?? "");
}
