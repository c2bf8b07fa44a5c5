/** All that the agent is allowed in its cluster, as whoever installs it grants it. Light to load: `@heddle/agent/rights`. */
import { rightsToRead } from "../sources/kubernetes/watched.ts";
import { clusterRights, ownRights, type PolicyRule, type Right } from "./rights.ts";

/** The rules of a ClusterRole, and of a Role in the namespace that the agent lies in. */
export function agentRights(): { cluster: readonly PolicyRule[]; own: readonly PolicyRule[] } {
  return {
    cluster: [...rightsToRead(), ...clusterRights.map(ruleOf)],
    own: ownRights.map(ruleOf),
  };
}

function ruleOf({ why: _, ...rule }: Right): PolicyRule {
  return rule;
}
