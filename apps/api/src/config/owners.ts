/** Who owns an object: the plane (`hosted`), or a cluster whose agent reports it as its own (`cluster:<agent>`). */
import { sql, type Tx } from "@heddle/db";
import type { MeshRef } from "../deps.ts";
import { problem } from "../http/problem.ts";
import { hostedOwner, type MeshState } from "./state.ts";

/** Refuses with HDL1030 to write what a cluster owns. */
export async function checkOwners(
  tx: Tx,
  mesh: MeshRef,
  state: MeshState,
  keys: readonly string[],
): Promise<void> {
  for (const key of keys) {
    const owner = state.entries.get(key)?.owner ?? hostedOwner;
    if (owner !== hostedOwner) throw owned(key, owner);
  }
  const [row] = (await tx.execute(sql`
    select a.name, o ->> 'key' as key
    from agents a, jsonb_array_elements(case jsonb_typeof(a.summary -> 'objects') when 'array' then a.summary -> 'objects' else '[]' end) o
    where a.mesh_id = ${mesh.id}::uuid and o ->> 'key' in (select jsonb_array_elements_text(${JSON.stringify(keys)}::text::jsonb))
    order by 1, 2 limit 1`)) as unknown as { name: string; key: string }[];
  if (row) throw owned(row.key, `cluster:${row.name}`);
}

function owned(key: string, owner: string) {
  return problem("HDL1030", `${key} is owned by ${owner}.`);
}
