/** A plane's first mesh, for those who should not have to make one. */
import { createClient } from "@heddle/client";

export interface FirstMesh {
  readonly url: string;
  readonly token: string;
  readonly mesh: string;
  /** Of a mesh that is made now; one that is there stays as it is. */
  readonly trustDomain: string;
  /** Percent of requests. */
  readonly traceSampling: number;
}

/** `first` where it was made now. */
export async function ensureMesh(wanted: FirstMesh): Promise<{ first: boolean }> {
  const { url, token, mesh, trustDomain, traceSampling } = wanted;
  const client = createClient({ baseUrl: url, token });
  for await (const { name } of client.allMeshes()) if (name === mesh) return { first: false };
  await client.createMesh({ name: mesh, trustDomain, settings: { traceSampling } });
  return { first: true };
}
