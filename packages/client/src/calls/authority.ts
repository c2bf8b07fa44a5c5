/** A mesh's certificate authorities, and rotations of its root. */
import type { Transport } from "../transport.ts";
import type { AuthorityRequest, MeshAuthorities, RotationInfo, TrustBundle } from "../types.ts";
import { inMesh } from "./paths.ts";

export function authorityCalls({ json }: Transport) {
  const at = (mesh: string, rest = "") => inMesh(mesh, `/authority${rest}`);
  return {
    authorities: (mesh: string, signal?: AbortSignal) =>
      json<MeshAuthorities>("GET", at(mesh), { signal }),
    trustBundle: (mesh: string, signal?: AbortSignal) =>
      json<TrustBundle>("GET", inMesh(mesh, "/trust-bundle"), { signal }),
    /** What the tenant's own root is to sign; with `renew` another one than before. */
    requestAuthority: (mesh: string, options: { renew?: boolean } = {}) =>
      json<AuthorityRequest>("POST", at(mesh, "/request"), { body: options }),
    /** PEM of what was signed for the request, up to the root. */
    importAuthority: (mesh: string, chain: string, options: { automatic?: boolean } = {}) =>
      json<MeshAuthorities>("POST", at(mesh, "/chain"), { body: { chain, ...options } }),
    rotation: (mesh: string, signal?: AbortSignal) =>
      json<RotationInfo>("GET", at(mesh, "/rotation"), { signal }),
    startRotation: (mesh: string, options: { automatic?: boolean } = {}) =>
      json<RotationInfo>("POST", at(mesh, "/rotation"), { body: options }),
    advanceRotation: (mesh: string, options: { force?: boolean } = {}) =>
      json<RotationInfo>("POST", at(mesh, "/rotation/advance"), { body: options }),
    abortRotation: (mesh: string) => json<RotationInfo>("POST", at(mesh, "/rotation/abort")),
  };
}
