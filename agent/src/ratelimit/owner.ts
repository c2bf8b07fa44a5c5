/** Which agent counts a key: the same one for all who know the same agents (rendezvous hashing). */
import { createHash } from "node:crypto";

/** The agent whose name hashes highest with the key; when an agent is away only its keys move. Undefined without agents. */
export function ownerOf(key: string, agents: readonly string[]): string | undefined {
  let owner: string | undefined;
  let highest = -1n;
  for (const agent of agents) {
    const digest = createHash("sha1").update(agent).update("\0").update(key).digest();
    const weight = digest.readBigUInt64BE(0);
    if (weight > highest) [owner, highest] = [agent, weight];
  }
  return owner;
}
