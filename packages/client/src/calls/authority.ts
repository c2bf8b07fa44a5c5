/** A mesh's certificate authorities, and rotations of its root. */
import type { PageOptions } from "../paging.ts";
import type { Transport } from "../transport.ts";
import type {
  AuthorityRequest,
  CertificateInfo,
  CertificateList,
  FederationInfo,
  FederationList,
  MeshAuthorities,
  NewFederation,
  NewRevocation,
  RevocationInfo,
  RewrappedKeys,
  RotationInfo,
  TrustBundle,
} from "../types.ts";
import { inMesh } from "./paths.ts";

export function authorityCalls({ json }: Transport) {
  const certificates = (
    mesh: string,
    page: PageOptions & { level?: CertificateInfo["level"] | undefined } = {},
    signal?: AbortSignal,
  ) => json<CertificateList>("GET", inMesh(mesh, "/certificates"), { query: { ...page }, signal });
  const federation = (mesh: string, trustDomain: string) =>
    inMesh(mesh, `/federations/${encodeURIComponent(trustDomain)}`);
  const at = (mesh: string, rest = "") => inMesh(mesh, `/authority${rest}`);
  return {
    /** Those that are alive, the one that ends first before the others; `level`: as bad as this at least. */
    certificates,
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
    revocations: (mesh: string, signal?: AbortSignal) =>
      json<{ items: RevocationInfo[] }>("GET", inMesh(mesh, "/revocations"), { signal }),
    /** Within seconds nobody takes it any more. */
    revoke: (mesh: string, revocation: NewRevocation) =>
      json<RevocationInfo>("POST", inMesh(mesh, "/revocations"), { body: revocation }),
    /** Lets a workload in again. */
    liftRevocation: (mesh: string, id: string) =>
      json<void>("DELETE", inMesh(mesh, `/revocations/${encodeURIComponent(id)}`)),
    federations: (mesh: string, signal?: AbortSignal) =>
      json<FederationList>("GET", inMesh(mesh, "/federations"), { signal }),
    /** Identities of the trust domain are taken as far as its own roots vouch for them; said again, it takes the place of what was said before. */
    federate: (mesh: string, trustDomain: string, source: NewFederation) =>
      json<FederationInfo>("PUT", federation(mesh, trustDomain), { body: source }),
    /** Within seconds they are refused. */
    unfederate: (mesh: string, trustDomain: string) =>
      json<void>("DELETE", federation(mesh, trustDomain)),
    rotation: (mesh: string, signal?: AbortSignal) =>
      json<RotationInfo>("GET", at(mesh, "/rotation"), { signal }),
    startRotation: (mesh: string, options: { automatic?: boolean } = {}) =>
      json<RotationInfo>("POST", at(mesh, "/rotation"), { body: options }),
    advanceRotation: (mesh: string, options: { force?: boolean } = {}) =>
      json<RotationInfo>("POST", at(mesh, "/rotation/advance"), { body: options }),
    /** Seals the mesh's private keys anew, under the newest version of the plane's envelope key. */
    rewrapKeys: (mesh: string) => json<RewrappedKeys>("POST", at(mesh, "/rewrap")),
    abortRotation: (mesh: string) => json<RotationInfo>("POST", at(mesh, "/rotation/abort")),
  };
}
