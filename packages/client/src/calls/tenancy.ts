/** Meshes and tokens. */
import { allOf, type PageOptions } from "../paging.ts";
import type { Transport } from "../transport.ts";
import type {
  CreatedToken,
  MeshInfo,
  MeshSettings,
  NewMesh,
  NewToken,
  Page,
  TokenInfo,
  WhoAmI,
} from "../types.ts";
import { inMesh } from "./paths.ts";

export function tenancyCalls({ json }: Transport) {
  const listMeshes = (page: PageOptions = {}) =>
    json<Page<MeshInfo>>("GET", "/v1/meshes", { query: { ...page } });
  const listTokens = (page: PageOptions = {}) =>
    json<Page<TokenInfo>>("GET", "/v1/tokens", { query: { ...page } });
  return {
    whoAmI: () => json<WhoAmI>("GET", "/v1/whoami"),
    listMeshes,
    /** Every mesh that the token opens. */
    allMeshes: () => allOf((cursor) => listMeshes({ cursor, limit: 200 })),
    createMesh: (mesh: NewMesh) => json<MeshInfo>("POST", "/v1/meshes", { body: mesh }),
    getMesh: (mesh: string, signal?: AbortSignal) =>
      json<MeshInfo>("GET", inMesh(mesh), { signal }),
    changeMesh: (mesh: string, settings: MeshSettings) =>
      json<MeshInfo>("PATCH", inMesh(mesh), { body: { settings } }),
    deleteMesh: (mesh: string) => json<void>("DELETE", inMesh(mesh)),
    listTokens,
    /** Every token, without its secret. */
    allTokens: () => allOf((cursor) => listTokens({ cursor, limit: 200 })),
    createToken: (token: NewToken) => json<CreatedToken>("POST", "/v1/tokens", { body: token }),
    revokeToken: (id: string) => json<void>("DELETE", `/v1/tokens/${encodeURIComponent(id)}`),
  };
}
