/** Who follows a mesh's authorities: its agents, as its room and the database know them. */
import { agents, and, eq, gt, isNull, or, tokens, type Tx } from "@heddle/db";
import type { Follower } from "@heddle/pki";
import type { AppDeps, MeshRef } from "../deps.ts";
import type { LiveAgent } from "../sync/rooms.ts";
import { revokedIdentities } from "./revocation-store.ts";

/** Every agent that may come back, those that are away among them. */
export async function followersOf(
  { clock }: Pick<AppDeps, "clock">,
  tx: Tx,
  mesh: MeshRef,
  live: readonly LiveAgent[],
): Promise<Follower[]> {
  const standing = await tx
    .selectDistinct({ id: agents.id, name: agents.name })
    .from(agents)
    .innerJoin(tokens, eq(tokens.agentId, agents.id))
    .where(
      and(
        ...[eq(agents.meshId, mesh.id), isNull(tokens.revokedAt)],
        or(isNull(tokens.expiresAt), gt(tokens.expiresAt, new Date(clock()))),
      ),
    )
    .orderBy(agents.name);
  const byId = new Map(live.map((agent) => [agent.id, agent]));
  // Who was revoked keeps what it has, and is not given what others follow.
  const revoked = new Set(await revokedIdentities(tx, mesh));
  const counts = ({ identity }: Follower["proxies"][number]) =>
    identity === undefined || !revoked.has(identity);
  return standing.flatMap(({ id, name }) => {
    const followers = byId.get(id)?.followers ?? [];
    return followers.length > 0
      ? followers.map((each) => ({ ...each, agent: name, proxies: each.proxies.filter(counts) }))
      : [{ agent: name, connected: false, able: true, said: undefined, proxies: [] }];
  });
}
